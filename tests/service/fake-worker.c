/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stands in for ha-profiler-worker, honest or hostile as the "script" of its action says. Speaks the private
 * protocol with plain GDBus calls, so that it can also say what the real one never would.
 */

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "fake-worker.h"
#include "hap-error.h"
#include "service-interfaces.h"

#define JOB "org.homeassistant.Profiler.Private.Job"

typedef GError *(*Script) (GDBusConnection *service, Worker *worker);

GError *
fake_worker_call (GDBusConnection *service,
                  const char *method,
                  GVariant *parameters,
                  GVariant **reply,
                  GUnixFDList **fds)
{
  GError *error = NULL;
  g_autoptr (GVariant) result = g_dbus_connection_call_with_unix_fd_list_sync (
      service, NULL, "/", JOB, method, parameters, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, fds, NULL,
      &error);

  if (result != NULL && reply != NULL)
    *reply = g_steal_pointer (&result);
  return error;
}

static GError *
tell (GDBusConnection *service, const char *method, GVariant *parameters)
{
  return fake_worker_call (service, method, parameters, NULL, NULL);
}

static GError *
open_artifact (GDBusConnection *service, const char *name, int *fd)
{
  g_autoptr (GUnixFDList) fds = NULL;
  GError *error = fake_worker_call (service, "CreateArtifact",
                                    g_variant_new ("(sss)", name, "text/plain", "A fake"), NULL, &fds);

  if (error == NULL)
    *fd = g_unix_fd_list_get (fds, 0, &error);
  return error;
}

static char *
make_name (Worker *worker)
{
  return g_strdup_printf ("fake.%" G_GINT64_FORMAT ".txt", worker->start_time);
}

static GError *
write_artifact (GDBusConnection *service, Worker *worker, gboolean commit, int *fd)
{
  g_autofree char *name = make_name (worker);
  GError *error = open_artifact (service, name, fd);

  if (error == NULL && write (*fd, "fake\n", 5) != 5)
    error = g_error_new (G_IO_ERROR, g_io_error_from_errno (errno), "write: %s", g_strerror (errno));
  if (error == NULL && commit)
    error = tell (service, "CommitArtifact", g_variant_new ("(s)", name));
  return error;
}

static GVariant *
make_fields (const char *key, GVariant *value)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (key != NULL)
    g_variant_builder_add (&builder, "{sv}", key, value);
  return g_variant_builder_end (&builder);
}

static GError *
tell_bytes (GDBusConnection *service, GBytes *bytes)
{
  return tell (service, "Entries",
               g_variant_new ("(@ay)", g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE)));
}

GError *
fake_worker_tell (GDBusConnection *service, const char *message, GVariant *fields)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (fields);
  g_autoptr (GVariant) owned = g_variant_ref_sink (fields);
  g_autoptr (GVariant) entries = NULL;
  g_autoptr (GBytes) bytes = NULL;
  GVariant *entry;

  g_variant_dict_insert (&dict, "message", "s", message);
  entry = g_variant_dict_end (&dict);
  entries = g_variant_ref_sink (g_variant_new_array (NULL, &entry, 1));
  bytes = g_variant_get_data_as_bytes (entries);
  return tell_bytes (service, bytes);
}

static GError *
tell_entry (GDBusConnection *service, const char *message, GVariant *value)
{
  return fake_worker_tell (service, message, make_fields ("value", value));
}

static GError *
script_succeed (GDBusConnection *service, Worker *worker)
{
  int fd = -1;
  GError *error = tell (service, "Progress", g_variant_new ("(d)", 0.5));

  if (error == NULL)
    error = tell_entry (service, "One \033[31mline", g_variant_new_uint32 (7));
  if (error == NULL)
    error = write_artifact (service, worker, TRUE, &fd);
  if (error == NULL)
    error = tell (service, "Summarize",
                  g_variant_new ("(@a{sv})", make_fields ("samples", g_variant_new_uint64 (42))));
  if (error == NULL)
    error = tell (service, "Notify", g_variant_new ("(sss)", "fake_id", "Complete\033", "Wrote it"));
  return error;
}

static GError *
tell_started (GDBusConnection *service)
{
  return tell (service, "Notify", g_variant_new ("(sss)", "fake_id", "Started", "It has started"));
}

/* As the profiles do. */
static GError *
script_notify (GDBusConnection *service, Worker *worker)
{
  GError *error = tell_started (service);

  return error != NULL ? error : script_succeed (service, worker);
}

static GError *
script_fail (GDBusConnection *service, Worker *worker)
{
  return g_error_new (HAP_ERROR, HAP_ERROR_TARGET_GONE, "The process went away");
}

static GError *
script_notify_fail (GDBusConnection *service, Worker *worker)
{
  GError *error = tell_started (service);

  return error != NULL ? error : script_fail (service, worker);
}

static GError *
script_many_notifications (GDBusConnection *service, Worker *worker)
{
  GError *error = NULL;

  for (guint i = 0; i < 100 && error == NULL; i++)
    {
      g_autofree char *id = g_strdup_printf ("fake_%u", i);

      error = tell (service, "Notify", g_variant_new ("(sss)", id, "One", "more"));
    }
  return error;
}

static GError *
script_exit (GDBusConnection *service, Worker *worker)
{
  _exit (3);
}

static GError *
script_crash (GDBusConnection *service, Worker *worker)
{
  kill (getpid (), SIGKILL);
  return NULL;
}

/* No more than a few may wait for their answers. */
static GError *
script_flood (GDBusConnection *service, Worker *worker)
{
  for (guint i = 0; i < 100000 && !g_dbus_connection_is_closed (service); i++)
    g_dbus_connection_call (service, NULL, "/", JOB, "Progress", g_variant_new ("(d)", 0.5), NULL,
                            G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
  return NULL;
}

static GError *
tell_long_entry (GDBusConnection *service, gsize size)
{
  g_autofree char *message = g_strnfill (size, 'x');

  return tell_entry (service, message, g_variant_new_uint32 (0));
}

static GError *
script_huge (GDBusConnection *service, Worker *worker)
{
  return tell_long_entry (service, 2 * 1024 * 1024);
}

static GError *
script_long_entry (GDBusConnection *service, Worker *worker)
{
  return tell_long_entry (service, 512 * 1024);
}

static GError *
script_many_entries (GDBusConnection *service, Worker *worker)
{
  GError *error = NULL;

  for (guint i = 0; i < 200 && error == NULL; i++)
    error = tell_long_entry (service, 200 * 1024);
  return error;
}

static GError *
script_bad_name (GDBusConnection *service, Worker *worker)
{
  int fd = -1;

  return open_artifact (service, "../evil", &fd);
}

static GError *
script_bad_mime (GDBusConnection *service, Worker *worker)
{
  return tell (service, "CreateArtifact", g_variant_new ("(sss)", "fake.txt", "text/\"plain", "A fake"));
}

static GError *
script_twice (GDBusConnection *service, Worker *worker)
{
  int fd = -1;
  GError *error = write_artifact (service, worker, FALSE, &fd);

  return error != NULL ? error : write_artifact (service, worker, FALSE, &fd);
}

static GError *
script_uncommitted (GDBusConnection *service, Worker *worker)
{
  int fd = -1;

  return write_artifact (service, worker, FALSE, &fd);
}

static GError *
script_commit_unknown (GDBusConnection *service, Worker *worker)
{
  return tell (service, "CommitArtifact", g_variant_new ("(s)", "fake.txt"));
}

static GError *
script_same_name (GDBusConnection *service, Worker *worker)
{
  int fd = -1;
  GError *error = open_artifact (service, "fake.same", &fd);

  return error != NULL ? error : tell (service, "CommitArtifact", g_variant_new ("(s)", "fake.same"));
}

static GError *
script_many_artifacts (GDBusConnection *service, Worker *worker)
{
  GError *error = NULL;

  for (guint i = 0; i < 100 && error == NULL; i++)
    {
      g_autofree char *name = g_strdup_printf ("fake.%u", i);
      int fd = -1;

      error = open_artifact (service, name, &fd);
    }
  return error;
}

static GError *
script_grow (GDBusConnection *service, Worker *worker)
{
  int fd = -1;
  GError *error = write_artifact (service, worker, TRUE, &fd);

  return error == NULL && ftruncate (fd, 1000) != 0 ? script_fail (service, worker) : error;
}

/* More than its job may write; honestly, and without a word. */
static GError *
spill (GDBusConnection *service, Worker *worker)
{
  int fd = -1;
  GError *error = write_artifact (service, worker, FALSE, &fd);

  return error == NULL && ftruncate (fd, (off_t)2 * 1024 * 1024) != 0 ? script_fail (service, worker) : error;
}

static GError *
script_large (GDBusConnection *service, Worker *worker)
{
  g_autofree char *name = make_name (worker);
  GError *error = spill (service, worker);

  return error == NULL ? tell (service, "CommitArtifact", g_variant_new ("(s)", name)) : error;
}

/* The limit of a file is an error and not the end. */
static GError *
script_big_file (GDBusConnection *service, Worker *worker)
{
  int fd = -1;
  GError *error = write_artifact (service, worker, FALSE, &fd);

  if (error == NULL && pwrite (fd, "x", 1, (off_t)4 * 1024 * 1024 * 1024) < 0)
    error = g_error_new (HAP_ERROR, errno == EFBIG ? HAP_ERROR_NO_SPACE : HAP_ERROR_FAILED, "%s",
                         g_strerror (errno));
  return error;
}

static GError *
script_bad_progress (GDBusConnection *service, Worker *worker)
{
  return tell (service, "Progress", g_variant_new ("(d)", NAN));
}

/* GDBus itself refuses it: the worker is told, and goes on. */
static GError *
script_wrong_type (GDBusConnection *service, Worker *worker)
{
  g_autoptr (GError) refused = tell (service, "Progress", g_variant_new ("(s)", "half"));

  return refused != NULL ? NULL : g_error_new (HAP_ERROR, HAP_ERROR_FAILED, "It was taken");
}

static GError *
script_wrong_reply (GDBusConnection *service, Worker *worker)
{
  g_autoptr (GDBusMessage) reply =
      g_dbus_message_new_method_reply (g_dbus_method_invocation_get_message (worker->run));

  g_dbus_message_set_body (reply, g_variant_new ("(s)", "done"));
  g_dbus_connection_send_message (service, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
  pause ();
  return NULL;
}

static GError *
script_descriptors (GDBusConnection *service, Worker *worker)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  GError *error = NULL;

  g_unix_fd_list_append (fds, 0, &error);
  g_dbus_connection_call_with_unix_fd_list_sync (service, NULL, "/", JOB, "Progress",
                                                 g_variant_new ("(d)", 0.5), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
                                                 fds, NULL, NULL, &error);
  return error;
}

static GError *
script_handle (GDBusConnection *service, Worker *worker)
{
  return tell_entry (service, "A handle", g_variant_new_handle (0));
}

static GError *
script_foreign_pid (GDBusConnection *service, Worker *worker)
{
  return tell (service, "OpenThreads", g_variant_new ("(uu)", worker->pid + 1, 0));
}

static const struct
{
  const char *name;
  Script run;
} scripts[] = { { "succeed", script_succeed },
                { "notify", script_notify },
                { "notify-fail", script_notify_fail },
                { "many-notifications", script_many_notifications },
                { "fail", script_fail },
                { "exit", script_exit },
                { "crash", script_crash },
                { "flood", script_flood },
                { "huge", script_huge },
                { "long-entry", script_long_entry },
                { "many-entries", script_many_entries },
                { "bad-name", script_bad_name },
                { "bad-mime", script_bad_mime },
                { "twice", script_twice },
                { "uncommitted", script_uncommitted },
                { "commit-unknown", script_commit_unknown },
                { "same-name", script_same_name },
                { "many-artifacts", script_many_artifacts },
                { "grow", script_grow },
                { "large", script_large },
                { "big-file", script_big_file },
                { "bad-progress", script_bad_progress },
                { "wrong-type", script_wrong_type },
                { "wrong-reply", script_wrong_reply },
                { "descriptors", script_descriptors },
                { "handle", script_handle },
                { "foreign-pid", script_foreign_pid },
                { "threads", fake_worker_threads },
                { "mapping", fake_worker_mapping },
                { "sockets", fake_worker_sockets },
                { "inspect", fake_worker_inspect },
                { "tracer", fake_worker_tracer } };

static void
answer (GDBusMethodInvocation *invocation, GError *error)
{
  if (error != NULL)
    g_dbus_method_invocation_take_error (invocation, error);
  else
    g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
handle_run (GDBusConnection *service, GDBusMethodInvocation *invocation, Worker *worker)
{
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);
  g_autoptr (GVariant) data = NULL;
  const char *method, *script;

  g_variant_get (parameters, "(&s&s@a{sv}x@a{sv})", NULL, &method, &data, &worker->start_time,
                 &worker->target);
  worker->fds = g_dbus_message_get_unix_fd_list (g_dbus_method_invocation_get_message (invocation));
  worker->run = invocation;
  g_variant_lookup (worker->target, "pid", "u", &worker->pid);
  /* Real actions have none: some go on until they are stopped. */
  if (!g_variant_lookup (data, "script", "&s", &script))
    script = g_str_has_prefix (method, "StartLog") ? "wait" : "succeed";

  /* These answer when they are cancelled, or not even then. */
  if (g_str_equal (script, "wait") || g_str_equal (script, "hang") || g_str_equal (script, "notify-wait")
      || g_str_equal (script, "spill"))
    {
      g_object_set_data (G_OBJECT (service), "script", GINT_TO_POINTER (script[0]));
      if (script[0] == 'n')
        g_clear_error (&(GError *){ tell_started (service) });
      if (script[0] == 's')
        g_clear_error (&(GError *){ spill (service, worker) });
      g_clear_error (&(GError *){ tell (service, "Progress", g_variant_new ("(d)", 0.25)) });
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++)
    {
      if (g_str_equal (scripts[i].name, script))
        {
          answer (invocation, scripts[i].run (service, worker));
          return;
        }
    }
  answer (invocation, g_error_new (HAP_ERROR, HAP_ERROR_FAILED, "No script “%s”", script));
}

static void
handle_cancel (GDBusConnection *service, GDBusMethodInvocation *invocation, Worker *worker)
{
  int fd = -1;

  g_dbus_method_invocation_return_value (invocation, NULL);
  switch (GPOINTER_TO_INT (g_object_get_data (G_OBJECT (service), "script")))
    {
    case 'w':
      answer (worker->run, write_artifact (service, worker, TRUE, &fd));
      break;
    case 'n':
      answer (worker->run, NULL);
      break;
    default:
      break;
    }
}

static void
on_call (GDBusConnection *service,
         const char *sender,
         const char *path,
         const char *interface,
         const char *method,
         GVariant *parameters,
         GDBusMethodInvocation *invocation,
         gpointer data)
{
  if (g_str_equal (method, "Run"))
    handle_run (service, invocation, data);
  else if (g_str_equal (method, "Cancel"))
    handle_cancel (service, invocation, data);
  else
    fake_worker_discover (invocation);
}

static void
on_closed (GDBusConnection *service, gboolean vanished, GError *error, gpointer data)
{
  exit (EXIT_SUCCESS);
}

int
main (int argc, char **argv)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GSocket) socket = g_socket_new_from_fd (3, NULL);
  g_autoptr (GSocketConnection) stream = NULL;
  g_autoptr (GDBusConnection) service = NULL;
  Worker worker = { 0 };

  prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  hap_error_quark ();
  if (socket == NULL)
    return EXIT_FAILURE;
  stream = g_socket_connection_factory_create_connection (socket);
  service = g_dbus_connection_new_sync (G_IO_STREAM (stream), NULL,
                                        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                            | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                                        NULL, NULL, NULL);
  if (service == NULL)
    return EXIT_FAILURE;
  g_dbus_connection_register_object (
      service, "/", (GDBusInterfaceInfo *)&org_homeassistant_profiler_private_worker_interface, &vtable,
      &worker, NULL, NULL);
  g_signal_connect (service, "closed", G_CALLBACK (on_closed), NULL);
  g_dbus_connection_start_message_processing (service);
  g_main_loop_run (loop);
  return EXIT_SUCCESS;
}
