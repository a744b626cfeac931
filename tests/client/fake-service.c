/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A service to test the command against: it answers every method of the D-Bus interface as a test tells it
 * to, and keeps a log of what it was asked.
 */
#include "fake-service.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME "org.homeassistant.Profiler"
#define PATH "/org/homeassistant/Profiler"
#define JOB PATH "/jobs/7"

static const char actions[] =
    "[{'method': <'Start'>, 'plugin': <'cpu'>, 'summary': <'Profile the processor time'>,"
    "  'authority': <'profile'>, 'reply': <'job'>, 'attributes': <["
    "   {'name': <'seconds'>, 'type': <'d'>, 'help': <'how long'>, 'required': <false>,"
    "    'default': <60.0>, 'minimum': <0.1>, 'maximum': <3600.0>},"
    "   {'name': <'rate'>, 'type': <'u'>, 'help': <'samples a second'>, 'default': <uint32 100>,"
    "    'minimum': <uint32 1>, 'maximum': <uint32 4294967295>},"
    "   {'name': <'clock'>, 'type': <'s'>, 'help': <'which time'>, 'default': <'wall'>,"
    "    'choices': <['wall', 'cpu', 'gil']>},"
    "   {'name': <'formats'>, 'type': <'as'>, 'help': <'which artifacts'>, 'default': <@as []>,"
    "    'choices': <['pstats', 'flamegraph']>}]>},"
    " {'method': <'LogThreadFrames'>, 'plugin': <'threads'>, 'summary': <'Log the stacks'>,"
    "  'authority': <'observe'>, 'reply': <'report'>, 'attributes': <@aa{sv} []>},"
    " {'method': <'DumpLogObjects'>, 'plugin': <'objects'>, 'summary': <'Log objects'>,"
    "  'authority': <'inspect'>, 'reply': <'report'>, 'attributes': <["
    "   {'name': <'type'>, 'type': <'s'>, 'help': <'of which type'>, 'required': <true>}]>},"
    " {'method': <'SetAsyncioDebug'>, 'plugin': <'asyncio-debug'>, 'summary': <'Debug'>,"
    "  'authority': <'modify'>, 'reply': <'none'>, 'attributes': <["
    "   {'name': <'enabled'>, 'type': <'b'>, 'help': <'on or off'>, 'default': <true>}]>}]";

static const char targets[] =
    "[{'pid': <uint32 812>, 'uid': <uint32 0>, 'name': <'homeassistant'>, 'python': <'3.13.1'>,"
    "  'command': <'python3 -m homeassistant --config /config'>, 'supported': <true>, 'home_assistant': "
    "<true>,"
    "  'home_assistant_version': <'2025.11.1'>, 'container': <true>},"
    " {'pid': <uint32 9>, 'uid': <uint32 0>, 'name': <'old'>, 'python': <'3.8.18'>, 'command': <'python3.8 "
    "x.py'>,"
    "  'supported': <false>, 'reason': <'Python 3.8 is too old'>, 'home_assistant': <false>, 'container': "
    "<false>}]";

static const char summary[] =
    "{'samples': <uint64 2970>, 'rate': <99.0>, 'seconds': <30.0>, 'interval_ns': <int64 10000000>,"
    " 'live': <uint64 2900>, 'still': <uint64 60>, 'stopped': <uint64 10>, 'dropped': <uint64 0>,"
    " 'truncated': <uint64 0>, 'pause_max_us': <41.0>, 'pause_total_us': <400.0>, 'python': <'3.13.1'>,"
    " 'threads': <uint32 14>, 'weather': <'fine'>,"
    " 'integrations': <[{'name': <'zha'>, 'kind': <'integration'>, 'running': <13.5>, 'blocking': <0.25>,"
    "   'waiting': <1.0>, 'share': <0.461>},"
    "  {'name': <'asyncio'>, 'kind': <'stdlib'>, 'running': <6.0>, 'blocking': <0.0>, 'waiting': <20.0>,"
    "   'share': <0.2>}]>,"
    " 'functions': <[{'function': <'Device.poll'>, 'file': "
    "<'/usr/lib/homeassistant/components/zha/device.py'>,"
    "   'line': <100>, 'integration': <'zha'>, 'origin': <'zha'>, 'self': <8.0>, 'total': <9.0>,"
    "   'self_busy': <7.5>, 'hottest_line': <117>}]>}";

static const char artifacts[] =
    "[{'name': <'flamegraph.1763800000000000.html'>, 'size': <uint64 412345>, 'mime': <'text/html'>,"
    "  'title': <'Flame graph'>, 'created': <uint64 1763800000000000>},"
    " {'name': <'profile.1763800000000000.cprof'>, 'size': <uint64 1000>, 'mime': "
    "<'application/octet-stream'>,"
    "  'title': <'pstats'>, 'created': <uint64 1763800000000000>},"
    " {'name': <'callgrind.out.1763800000000000'>, 'size': <uint64 1000>, 'mime': "
    "<'application/x-kcachegrind'>,"
    "  'title': <'callgrind'>, 'created': <uint64 1763800000000000>},"
    " {'name': <'flamegraph.1763700000000000.html'>, 'size': <uint64 4>, 'mime': <'text/html'>,"
    "  'title': <'Older'>, 'created': <uint64 1763700000000000>}]";

static const char manager_xml[] =
    "<node><interface name='" NAME ".Manager'>"
    "<method name='ListTargets'><arg type='a{sv}' direction='in'/><arg type='aa{sv}' "
    "direction='out'/></method>"
    "<method name='Subscribe'/>"
    "<method name='ListArtifacts'><arg type='aa{sv}' direction='out'/></method>"
    "<method name='OpenArtifact'><arg type='s' direction='in'/><arg type='h' direction='out'/></method>"
    "<method name='RemoveArtifact'><arg type='s' direction='in'/></method>"
    "<property name='Version' type='s' access='read'/><property name='Actions' type='aa{sv}' access='read'/>"
    "</interface><interface name='org.freedesktop.DBus.ObjectManager'>"
    "<method name='GetManagedObjects'><arg type='a{oa{sa{sv}}}' direction='out'/></method></interface>"
    "<interface name='" NAME "'>"
    "<method name='Start'><arg type='a{sv}' direction='in'/><arg type='o' direction='out'/></method>"
    "<method name='LogThreadFrames'><arg type='a{sv}' direction='in'/><arg type='aa{sv}' "
    "direction='out'/></method>"
    "<method name='DumpLogObjects'><arg type='a{sv}' direction='in'/><arg type='aa{sv}' "
    "direction='out'/></method>"
    "<method name='SetAsyncioDebug'><arg type='a{sv}' direction='in'/></method></interface>"
    "<interface name='" NAME ".Job'><method name='Cancel'/>"
    "<property name='Action' type='s' access='read'/><property name='Target' type='u' access='read'/>"
    "<property name='State' type='s' access='read'/><property name='Progress' type='d' access='read'/>"
    "<property name='StartedAt' type='t' access='read'/><property name='Artifacts' type='aa{sv}' "
    "access='read'/>"
    "<property name='Error' type='(ss)' access='read'/><property name='Summary' type='a{sv}' access='read'/>"
    "</interface></node>";

void
fake_service_set (GVariant **field, GVariant *value)
{
  g_clear_pointer (field, g_variant_unref);
  *field = g_variant_ref_sink (value);
}

static gboolean
job_has_results (FakeService *self)
{
  return g_str_equal (self->state, "finished") || g_str_equal (self->state, "cancelled");
}

static GVariant *
get_job_property (FakeService *self, const char *name)
{
  gboolean failed = g_str_equal (self->state, "failed");

  if (g_str_equal (name, "Action"))
    return g_variant_new_string ("Start");
  if (g_str_equal (name, "Target"))
    return g_variant_new_uint32 (812);
  if (g_str_equal (name, "State"))
    return g_variant_new_string (self->state);
  if (g_str_equal (name, "Progress"))
    return g_variant_new_double (self->progress);
  if (g_str_equal (name, "StartedAt"))
    return g_variant_new_uint64 (1763800000000000);
  if (g_str_equal (name, "Artifacts"))
    return g_variant_new_parsed (job_has_results (self) ? artifacts : "@aa{sv} []");
  if (g_str_equal (name, "Error"))
    return g_variant_new ("(ss)", failed ? NAME ".Error.TargetGone" : "", failed ? "It ended" : "");
  return job_has_results (self) ? self->summary : g_variant_new_parsed ("@a{sv} {}");
}

static void
emit_job (FakeService *self, const char *property)
{
  GVariantBuilder changed;

  g_variant_builder_init (&changed, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&changed, "{sv}", property, get_job_property (self, property));
  g_dbus_connection_emit_signal (self->connection, NULL, JOB, "org.freedesktop.DBus.Properties",
                                 "PropertiesChanged",
                                 g_variant_new ("(sa{sv}as)", NAME ".Job", &changed, NULL), NULL);
}

static void
end_job (FakeService *self, const char *state)
{
  self->state = state;
  emit_job (self, "State");
  g_dbus_connection_emit_signal (self->connection, NULL, PATH, NAME ".Manager", "JobRemoved",
                                 g_variant_new ("(os)", JOB, state), NULL);
}

static void
leave (FakeService *self)
{
  g_dbus_connection_flush_sync (self->connection, NULL, NULL);
  g_dbus_connection_close_sync (self->connection, NULL, NULL);
}

/* One step of the job at each turn of the main context. */
static gboolean
on_job_step (gpointer user_data)
{
  FakeService *self = user_data;

  if (!g_str_equal (self->state, "running"))
    return G_SOURCE_REMOVE;
  self->progress += 0.25;
  emit_job (self, "Progress");
  if (self->plan == FAKE_JOB_LEAVES)
    leave (self);
  if (self->plan == FAKE_JOB_RUNS || self->plan == FAKE_JOB_STUCK || self->plan == FAKE_JOB_LEAVES)
    return G_SOURCE_REMOVE;
  if (self->progress < 1)
    return G_SOURCE_CONTINUE;
  end_job (self, self->plan == FAKE_JOB_FAILS ? "failed" : "finished");
  return G_SOURCE_REMOVE;
}

static GVariant *
on_get_property (GDBusConnection *connection,
                 const char *sender,
                 const char *path,
                 const char *interface,
                 const char *name,
                 GError **error,
                 gpointer user_data)
{
  FakeService *self = user_data;

  if (!g_str_has_suffix (interface, ".Job"))
    return g_str_equal (name, "Version") ? g_variant_new_string ("9.8.7") : g_variant_ref (self->actions);
  /* The job goes on when somebody looks at it, so that none of it is missed. */
  if (self->waits)
    g_idle_add (on_job_step, self);
  self->waits = FALSE;
  return g_variant_take_ref (g_variant_ref_sink (get_job_property (self, name)));
}

static void
return_artifact (FakeService *self, const char *name, GDBusMethodInvocation *invocation)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  int fd = memfd_create ("artifact", MFD_CLOEXEC);

  g_assert_cmpint (write (fd, self->content, strlen (self->content)), ==, (gssize)strlen (self->content));
  g_unix_fd_list_append (fds, fd, NULL);
  close (fd);
  g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, g_variant_new ("(h)", 0), fds);
}

static void
run_action (FakeService *self, const char *method, GDBusMethodInvocation *invocation)
{
  GDBusMessage *message = g_dbus_method_invocation_get_message (invocation);

  self->interactive =
      (g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
  if (self->error != NULL)
    {
      g_autofree char *name = NULL;

      name = strchr (self->error, '.') != NULL ? g_strdup (self->error)
                                               : g_strconcat (NAME ".Error.", self->error, NULL);
      g_dbus_method_invocation_return_dbus_error (invocation, name, self->error_message);
    }
  else if (g_str_equal (method, "Start"))
    {
      self->state = "running";
      self->waits = TRUE;
      g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", JOB));
    }
  else if (g_str_equal (method, "SetAsyncioDebug"))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_return_value (
        invocation, g_variant_new_parsed ("([{'message': <'Thread [Main] \033[31mred\n  File \"x.py\"'>,"
                                          " 'thread': <uint32 5>}],)"));
}

static void
list_jobs (FakeService *self, GDBusMethodInvocation *invocation)
{
  g_dbus_method_invocation_return_value (
      invocation, g_variant_new_parsed ("({objectpath '" JOB "': {'" NAME ".Job': {'Action': <'Start'>,"
                                        " 'Target': <uint32 812>, 'State': <'running'>, 'Progress': <0.5>,"
                                        " 'StartedAt': <uint64 1763800000000000>}}},)"));
}

static void
on_method_call (GDBusConnection *connection,
                const char *sender,
                const char *path,
                const char *interface,
                const char *method,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  FakeService *self = user_data;
  g_autofree char *text = g_variant_print (parameters, TRUE);
  const char *name = NULL;

  g_string_append_printf (self->log, "%s %s\n", method, text);
  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(s)")))
    g_variant_get (parameters, "(&s)", &name);
  if (g_str_equal (interface, NAME))
    run_action (self, method, invocation);
  else if (g_str_equal (method, "ListTargets"))
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(@aa{sv})", self->targets));
  else if (g_str_equal (method, "ListArtifacts"))
    g_dbus_method_invocation_return_value (invocation,
                                           g_variant_new ("(@aa{sv})", g_variant_new_parsed (artifacts)));
  else if (g_str_equal (method, "OpenArtifact"))
    return_artifact (self, name, invocation);
  else if (g_str_equal (method, "GetManagedObjects"))
    list_jobs (self, invocation);
  else if (g_str_equal (method, "Cancel") && self->plan == FAKE_JOB_STUCK)
    return; /* the invocation stays unanswered, as by a service that hangs */
  else
    {
      if (g_str_equal (method, "Cancel"))
        end_job (self, "cancelled");
      g_dbus_method_invocation_return_value (invocation, NULL);
    }
}

static void export(FakeService *self)
{
  static const GDBusInterfaceVTable vtable = { on_method_call, on_get_property, NULL };
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (manager_xml, NULL);

  g_assert_nonnull (node);
  for (guint i = 0; node->interfaces[i] != NULL; i++)
    {
      gboolean of_job = g_str_has_suffix (node->interfaces[i]->name, ".Job");

      self->objects[i] = g_dbus_connection_register_object (self->connection, of_job ? JOB : PATH,
                                                            node->interfaces[i], &vtable, self, NULL, NULL);
    }
}

FakeService *
fake_service_new (const char *address)
{
  FakeService *self = g_new0 (FakeService, 1);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  self->log = g_string_new (NULL);
  self->state = "running";
  self->content = "<html>";
  fake_service_set (&self->actions, g_variant_new_parsed (actions));
  fake_service_set (&self->targets, g_variant_new_parsed (targets));
  fake_service_set (&self->summary, g_variant_new_parsed (summary));
  self->connection = g_dbus_connection_new_for_address_sync (
      address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);
  g_assert_no_error (error);
  export(self);
  reply = g_dbus_connection_call_sync (self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "RequestName", g_variant_new ("(su)", NAME, 4),
                                       NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  return self;
}

void
fake_service_free (FakeService *self)
{
  if (!g_dbus_connection_is_closed (self->connection))
    leave (self);
  /* A call may be on its way here through the main loop. */
  for (guint i = 0; i < G_N_ELEMENTS (self->objects); i++)
    g_dbus_connection_unregister_object (self->connection, self->objects[i]);
  g_object_unref (self->connection);
  g_variant_unref (self->actions);
  g_variant_unref (self->targets);
  g_variant_unref (self->summary);
  g_string_free (self->log, TRUE);
  g_free (self);
}
