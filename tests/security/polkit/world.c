/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The real polkitd, scripted agents, and callers of every kind. What is asked, and what should come of it, is
 * the tests'.
 */

#include "world.h"

#include <glib/gstdio.h>
#include <polkit/polkit.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define WAIT_SECONDS 60
#define FIRST_USER 64321 /* with a session */

typedef struct
{
  World *world;
  AgentMode mode;
  PolkitSubject *subject;
  char *path;
  guint export;
  char *cookie; /* of what it was asked last and did not answer */
  GDBusMethodInvocation *unanswered;
} Agent;

static const char agent_xml[] =
    "<node><interface name='org.freedesktop.PolicyKit1.AuthenticationAgent'>"
    "<method name='BeginAuthentication'>"
    "<arg type='s' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='s' direction='in'/><arg type='a{ss}' direction='in'/>"
    "<arg type='s' direction='in'/><arg type='a(sa{sv})' direction='in'/></method>"
    "<method name='CancelAuthentication'><arg type='s' direction='in'/></method>"
    "</interface></node>";

static PolkitAuthority *
get_authority (void)
{
  g_autoptr (GError) error = NULL;
  PolkitAuthority *authority = polkit_authority_get_sync (NULL, &error);

  g_assert_no_error (error);
  return authority;
}

static void
on_responded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  polkit_authority_authentication_agent_response_finish (POLKIT_AUTHORITY (source), result, &error);
  g_assert_no_error (error);
  g_dbus_method_invocation_return_value (data, NULL);
}

static void
begin (Agent *agent, GDBusMethodInvocation *invocation, GVariant *parameters)
{
  const char *action, *message, *cookie;
  g_autoptr (PolkitAuthority) authority = get_authority ();
  g_autoptr (PolkitIdentity) identity = polkit_unix_user_new (64321);

  g_variant_get (parameters, "(&s&s&s@a{ss}&s@a(sa{sv}))", &action, &message, NULL, NULL, &cookie, NULL);
  g_string_append_printf (agent->world->prompts, "%s: %s\n", action, message);
  agent->world->n_prompts++;
  if (agent->mode == AGENT_YES)
    polkit_authority_authentication_agent_response (authority, cookie, identity, NULL, on_responded,
                                                    invocation);
  else if (agent->mode == AGENT_NO)
    g_dbus_method_invocation_return_value (invocation, NULL);
  else if (agent->mode == AGENT_CANCEL)
    g_dbus_method_invocation_return_dbus_error (invocation, "org.freedesktop.PolicyKit1.Error.Cancelled",
                                                "-");
  else
    {
      g_free (agent->cookie);
      agent->cookie = g_strdup (cookie);
      g_clear_object (&agent->unanswered);
      agent->unanswered = invocation;
    }
}

static void
on_agent_call (GDBusConnection *connection,
               const char *sender,
               const char *path,
               const char *interface,
               const char *method,
               GVariant *parameters,
               GDBusMethodInvocation *invocation,
               gpointer data)
{
  if (g_str_equal (method, "BeginAuthentication"))
    begin (data, invocation, parameters);
  else
    g_dbus_method_invocation_return_value (invocation, NULL);
}

static GDBusConnection *
get_bus (void)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, &error);

  g_assert_no_error (error);
  g_dbus_connection_set_exit_on_close (bus, FALSE);
  return bus;
}

static void
agent_free (Agent *agent)
{
  g_autoptr (GDBusConnection) bus = get_bus ();

  /* The bus lets polkit wait for so many answers, and for no more. */
  if (agent->unanswered != NULL)
    g_dbus_method_invocation_return_value (g_steal_pointer (&agent->unanswered), NULL);
  if (agent->world->polkitd != NULL || agent->world->booted)
    {
      g_autoptr (PolkitAuthority) authority = get_authority ();

      polkit_authority_unregister_authentication_agent_sync (authority, agent->subject, agent->path, NULL,
                                                             NULL);
    }
  g_dbus_connection_unregister_object (bus, agent->export);
  g_object_unref (agent->subject);
  g_free (agent->cookie);
  g_free (agent->path);
  g_free (agent);
}

/* @subject: (transfer full) */
static void
set_agent (World *self, const char *key, PolkitSubject *subject, AgentMode mode)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_agent_call };
  static guint n_agents;
  g_autoptr (GDBusNodeInfo) info = g_dbus_node_info_new_for_xml (agent_xml, NULL);
  g_autoptr (GDBusConnection) bus = get_bus ();
  g_autoptr (PolkitAuthority) authority = get_authority ();
  g_autoptr (GError) error = NULL;
  Agent *agent = g_hash_table_lookup (self->agents, key);

  if (agent != NULL && mode != AGENT_NONE)
    {
      agent->mode = mode;
      g_object_unref (subject);
      return;
    }
  g_hash_table_remove (self->agents, key);
  if (mode == AGENT_NONE)
    {
      g_object_unref (subject);
      return;
    }
  agent = g_new0 (Agent, 1);
  agent->world = self;
  agent->mode = mode;
  agent->subject = subject;
  agent->path = g_strdup_printf ("/agent/%u", n_agents++);
  agent->export =
      g_dbus_connection_register_object (bus, agent->path, info->interfaces[0], &vtable, agent, NULL, &error);
  g_assert_no_error (error);
  polkit_authority_register_authentication_agent_sync (authority, subject, "C", agent->path, NULL, &error);
  g_assert_no_error (error);
  g_hash_table_insert (self->agents, g_strdup (key), agent);
}

void
world_set_agent (World *self, Caller *caller, AgentMode mode)
{
  g_autofree char *key = g_strdup_printf ("process %u", caller->pid);

  set_agent (self, key, polkit_unix_process_new_for_owner ((gint)caller->pid, 0, (gint)caller->uid), mode);
}

void
world_answer (World *self, Caller *caller)
{
  g_autofree char *key = g_strdup_printf ("process %u", caller->pid);
  Agent *agent = g_hash_table_lookup (self->agents, key);
  g_autoptr (PolkitAuthority) authority = get_authority ();
  g_autoptr (PolkitIdentity) identity = polkit_unix_user_new (64321);
  g_autoptr (GDBusConnection) bus = get_bus ();
  g_autoptr (GVariant) reply = NULL;

  /* It may be that nobody wants to know any more. */
  polkit_authority_authentication_agent_response_sync (authority, agent->cookie, identity, NULL, NULL);
  g_dbus_method_invocation_return_value (g_steal_pointer (&agent->unanswered), NULL);
  /* polkit takes one message after the other. */
  reply = g_dbus_connection_call_sync (bus, "org.freedesktop.PolicyKit1",
                                       "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.DBus.Peer",
                                       "Ping", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
  g_assert_nonnull (reply);
}

struct _Ear
{
  GDBusConnection *monitor;
  char *name;
  char *answer; /* set once, in the thread of the connection */
};

static GDBusMessage *
on_overheard (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer data)
{
  Ear *ear = data;
  GDBusMessageType type = g_dbus_message_get_message_type (message);
  const char *error = g_dbus_message_get_error_name (message);

  if (!incoming)
    return message;
  if (g_strcmp0 (g_dbus_message_get_destination (message), ear->name) == 0
      && g_strcmp0 (g_dbus_message_get_sender (message), "org.freedesktop.DBus") != 0
      && (type == G_DBUS_MESSAGE_TYPE_ERROR || type == G_DBUS_MESSAGE_TYPE_METHOD_RETURN)
      && g_atomic_pointer_get (&ear->answer) == NULL)
    g_atomic_pointer_set (&ear->answer, g_strdup (error != NULL ? error : "ok"));
  /* The bus's answer to BecomeMonitor alone is ours. */
  if (g_strcmp0 (g_dbus_message_get_sender (message), "org.freedesktop.DBus") == 0)
    return message;
  g_object_unref (message);
  return NULL;
}

Ear *
world_listen (World *self, Caller *caller)
{
  Ear *ear = g_new0 (Ear, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  ear->name = g_strdup (caller->name);
  ear->monitor = fixture_connect (&self->fixture);
  g_dbus_connection_add_filter (ear->monitor, on_overheard, ear, NULL);
  reply = g_dbus_connection_call_sync (
      ear->monitor, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Monitoring",
      "BecomeMonitor", g_variant_new ("(asu)", NULL, 0), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  return ear;
}

static gboolean
has_heard (gpointer data)
{
  return g_atomic_pointer_get (&((Ear *)data)->answer) != NULL;
}

char *
ear_wait (Ear *ear)
{
  char *answer;

  fixture_wait (has_heard, ear);
  g_dbus_connection_close_sync (ear->monitor, NULL, NULL);
  answer = ear->answer;
  g_object_unref (ear->monitor);
  g_free (ear->name);
  g_free (ear);
  return answer;
}

gboolean
world_try_second_agent (World *self, Caller *caller)
{
  g_autoptr (GDBusConnection) other = fixture_connect (&self->fixture);
  g_autoptr (PolkitSubject) subject =
      polkit_unix_process_new_for_owner ((gint)caller->pid, 0, (gint)caller->uid);
  guint64 start_time = polkit_unix_process_get_start_time (POLKIT_UNIX_PROCESS (subject));
  GVariantBuilder details;
  g_autoptr (GVariant) reply = NULL;

  g_variant_builder_init (&details, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&details, "{sv}", "pid", g_variant_new_uint32 (caller->pid));
  g_variant_builder_add (&details, "{sv}", "start-time", g_variant_new_uint64 (start_time));
  g_variant_builder_add (&details, "{sv}", "uid", g_variant_new_int32 ((gint)caller->uid));
  reply = g_dbus_connection_call_sync (
      other, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
      "org.freedesktop.PolicyKit1.Authority", "RegisterAuthenticationAgent",
      g_variant_new ("((sa{sv})ss)", "unix-process", &details, "C", "/agent/second"), NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
  return reply != NULL;
}

typedef struct
{
  World *world;
  guint n_prompts;
} Expectation;

static gboolean
has_prompts (gpointer data)
{
  const Expectation *expected = data;

  return expected->world->n_prompts >= expected->n_prompts;
}

void
world_wait_for_prompts (World *self, guint n)
{
  Expectation expected = { self, n };

  fixture_wait (has_prompts, &expected);
}

static gboolean
polkit_is_there (gpointer data)
{
  World *self = data;
  gboolean there = FALSE;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      self->fixture.connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "NameHasOwner", g_variant_new ("(s)", "org.freedesktop.PolicyKit1"), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
      NULL, NULL);

  g_variant_get (reply, "(b)", &there);
  return there;
}

char *
world_get_owner (World *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      self->fixture.connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "GetNameOwner", g_variant_new ("(s)", PROFILER_NAME), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  char *owner;

  g_assert_no_error (error);
  g_variant_get (reply, "(s)", &owner);
  return owner;
}

/* After the rules have changed, polkit says so once it has taken them. */
static void
on_changed (PolkitAuthority *authority, gboolean *changed)
{
  *changed = TRUE;
}

void
world_set_rule (World *self, const char *script)
{
  g_autofree char *path = g_build_filename (g_getenv ("HAP_RULES"), "05-test.rules", NULL);
  g_autoptr (PolkitAuthority) authority = get_authority ();
  gint64 deadline = g_get_monotonic_time () + WAIT_SECONDS * G_USEC_PER_SEC;
  g_autoptr (GError) error = NULL;
  gboolean changed = FALSE;
  gulong handler = g_signal_connect (authority, "changed", G_CALLBACK (on_changed), &changed);

  if (script != NULL)
    g_file_set_contents (path, script, -1, &error);
  else
    g_unlink (path);
  g_assert_no_error (error);
  while (!changed)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_main_context_iteration (NULL, FALSE);
    }
  g_signal_handler_disconnect (authority, handler);
}

static void
end_with_test (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

void
world_start_polkit (World *self)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_setenv (launcher, "DBUS_SYSTEM_BUS_ADDRESS", self->fixture.address, TRUE);
  self->polkitd =
      g_subprocess_launcher_spawn (launcher, &error, "/usr/lib/polkit-1/polkitd", "--no-debug", NULL);
  g_assert_no_error (error);
  fixture_wait (polkit_is_there, self);
  g_clear_object (&self->authority);
  self->authority = get_authority ();
}

void
world_end_polkit (World *self)
{
  if (self->polkitd == NULL)
    return;
  g_subprocess_send_signal (self->polkitd, SIGCONT);
  g_subprocess_force_exit (self->polkitd);
  g_subprocess_wait (self->polkitd, NULL, NULL);
  g_clear_object (&self->polkitd);
}

void
world_wait_for_program (guint pid, const char *name)
{
  gint64 deadline = g_get_monotonic_time () + WAIT_SECONDS * G_USEC_PER_SEC;
  g_autofree char *path = g_strdup_printf ("/proc/%u/comm", pid);
  g_autofree char *wanted = g_strdup_printf ("%s\n", name);
  g_autofree char *text = NULL;

  do
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_clear_pointer (&text, g_free);
      g_file_get_contents (path, &text, NULL, NULL);
    }
  while (g_strcmp0 (text, wanted) != 0);
}

static char *
make_config_path (void)
{
  g_autoptr (GError) error = NULL;
  char *path = NULL;
  int fd = g_file_open_tmp ("ha-profiler-test-XXXXXX.conf", &path, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  return path;
}

gboolean
world_set_up (World *self, const char *config, gboolean with_polkit)
{
  const char *booted = g_getenv ("HAP_BOOTED");
  const char *arguments[] = { NULL, NULL };
  g_autofree char *argument = NULL;
  g_autofree char *text = g_strdup_printf ("[Limits]\n%s\n", config);
  g_autoptr (GError) error = NULL;

  *self = (World){ .booted = booted != NULL };
  self->prompts = g_string_new (NULL);
  self->agents = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)agent_free);
  self->config = booted != NULL ? g_strdup (booted) : make_config_path ();
  g_file_set_contents (self->config, text, -1, &error);
  g_assert_no_error (error);
  if (self->booted)
    {
      world_boot (self);
      self->authority = get_authority ();
      return TRUE;
    }
  arguments[0] = argument = g_strdup_printf ("--config=%s", self->config);
  if (!fixture_set_up (&self->fixture, arguments))
    return FALSE;
  g_assert_cmpint (g_chmod (self->fixture.dir, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (self->fixture.state_dir, 0700), ==, 0);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", self->fixture.address, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (self->session_ids); i++)
    self->session_ids[i] = g_strdup_printf ("%s%u", g_getenv ("HAP_SESSION"), FIRST_USER + i);
  if (with_polkit)
    world_start_polkit (self);
  return TRUE;
}

void
world_tear_down (World *self)
{
  g_hash_table_unref (self->agents);
  g_string_free (self->prompts, TRUE);
  g_clear_object (&self->authority);
  world_end_polkit (self);
  g_clear_pointer (&self->sessions, g_ptr_array_unref);
  for (guint i = 0; i < G_N_ELEMENTS (self->session_ids); i++)
    g_free (self->session_ids[i]);
  fixture_tear_down (&self->fixture);
  g_unlink (self->config);
  g_free (self->config);
}

static void
on_line (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  char **line = data;

  *line = g_data_input_stream_read_line_finish (G_DATA_INPUT_STREAM (source), result, NULL, &error);
  g_assert_no_error (error);
  if (*line == NULL)
    *line = g_strdup ("gone");
}

static gboolean
has_line (gpointer data)
{
  char **line = data;

  return *line != NULL;
}

char *
world_receive (World *self, Caller *caller)
{
  char *line = NULL;

  g_data_input_stream_read_line_async (caller->answers, G_PRIORITY_DEFAULT, NULL, on_line, &line);
  fixture_wait (has_line, &line);
  return line;
}

void
caller_send (Caller *caller, const char *line)
{
  GOutputStream *input = g_subprocess_get_stdin_pipe (caller->process);
  g_autoptr (GError) error = NULL;

  g_output_stream_printf (input, NULL, NULL, &error, "%s\n", line);
  g_assert_no_error (error);
}

char *
world_tell (World *self, Caller *caller, const char *line)
{
  caller_send (caller, line);
  return world_receive (self, caller);
}

Caller *
world_add_caller (World *self, guint uid)
{
  Caller *caller = g_new0 (Caller, 1);
  g_autofree char *uid_text = g_strdup_printf ("%u", uid);
  gboolean in_session = uid >= FIRST_USER && uid < FIRST_USER + G_N_ELEMENTS (self->session_ids);
  g_autofree char *place =
      in_session ? g_strdup_printf ("%s/user.slice/user-%u.slice/session-%s.scope/cgroup.procs",
                                    g_getenv ("HAP_CGROUPS"), uid, self->session_ids[uid - FIRST_USER])
                 : g_strdup ("-");
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;

  caller->uid = uid;
  caller->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                                      HAP_TEST_CALLER, uid_text, place, self->fixture.address, NULL);
  g_assert_no_error (error);
  caller->pid = (guint)g_ascii_strtoull (g_subprocess_get_identifier (caller->process), NULL, 10);
  caller->answers = g_data_input_stream_new (g_subprocess_get_stdout_pipe (caller->process));
  line = world_receive (self, caller);
  g_assert_true (g_str_has_prefix (line, "ok :"));
  caller->name = g_strdup (line + 3);
  return caller;
}

void
caller_free (Caller *self)
{
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_object_unref (self->answers);
  g_object_unref (self->process);
  g_free (self->name);
  g_free (self);
}

guint
world_add_target (World *self, guint uid)
{
  g_autofree char *reuid = g_strdup_printf ("--reuid=%u", uid);
  g_autofree char *regid = g_strdup_printf ("--regid=%u", uid);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;
  gint64 deadline = g_get_monotonic_time () + WAIT_SECONDS * G_USEC_PER_SEC;
  GSubprocess *target;
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;

  g_subprocess_launcher_set_child_setup (launcher, end_with_test, NULL, NULL);
  target =
      g_subprocess_launcher_spawn (launcher, &error, "setpriv", reuid, regid, "--clear-groups",
                                   "--pdeathsig=KILL", "bash", "-c", "exec -a fake:python sleep 1000", NULL);
  g_assert_no_error (error);
  g_ptr_array_add (self->fixture.targets, target);
  path = g_strdup_printf ("/proc/%s/cmdline", g_subprocess_get_identifier (target));
  do
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_clear_pointer (&text, g_free);
      g_file_get_contents (path, &text, NULL, NULL);
    }
  while (g_strcmp0 (text, "fake:python") != 0);
  return (guint)g_ascii_strtoull (g_subprocess_get_identifier (target), NULL, 10);
}
