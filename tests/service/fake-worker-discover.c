/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The fake worker's looking for targets: it finds what the test's own children say that they are, and lies
 * besides.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <gio/gunixfdlist.h>

#include "fake-worker.h"

/* proc(5): the second value after the name. 0: it has ended */
static guint
get_parent (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/stat", pid);
  g_autofree char *text = NULL;
  const char *rest;
  guint parent = 0;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  rest = strrchr (text, ')');
  return rest != NULL && sscanf (rest, ") %*c %u", &parent) == 1 ? parent : 0;
}

/* What the command line of a process says, which the test chose: "fake:home-assistant", "fake:python",
 * "fake:crash", ... */
static void
describe_candidate (GVariantBuilder *builder, guint pid, const char *kind)
{
  gboolean home_assistant = g_str_has_prefix (kind, "home-assistant");

  g_variant_builder_open (builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (builder, "{sv}", "pid", g_variant_new_uint32 (pid));
  g_variant_builder_add (builder, "{sv}", "name", g_variant_new_string (kind));
  g_variant_builder_add (builder, "{sv}", "command", g_variant_new_string ("fake \033[2J command"));
  g_variant_builder_add (builder, "{sv}", "supported",
                         g_variant_new_boolean (!g_str_equal (kind, "unsupported")));
  g_variant_builder_add (builder, "{sv}", "home_assistant", g_variant_new_boolean (home_assistant));
  g_variant_builder_add (builder, "{sv}", "reason", g_variant_new_string ("it is fake"));
  g_variant_builder_add (builder, "{sv}", "python", g_variant_new_string ("3.14.0"));
  g_variant_builder_close (builder);
}

/* The test started it, as it started the service: another's, which runs beside, has targets, too. */
static gboolean
is_sibling (guint pid, guint service)
{
  return get_parent (pid) == get_parent (service);
}

static void
look_at_candidate (GVariantBuilder *builder, GVariant *candidate, GUnixFDList *fds)
{
  g_autoptr (GVariant) handle = g_variant_lookup_value (candidate, "cmdline", G_VARIANT_TYPE_HANDLE);
  int fd = g_unix_fd_list_get (fds, g_variant_get_handle (handle), NULL);
  char text[128] = "";
  guint pid = 0;

  g_variant_lookup (candidate, "pid", "u", &pid);
  if (read (fd, text, sizeof text - 1) > 0 && g_str_has_prefix (text, "fake:")
      && is_sibling (pid, (guint)getppid ()))
    {
      if (g_str_equal (text, "fake:crash"))
        _exit (1);
      describe_candidate (builder, pid, text + 5);
      /* A liar: the same one again, and one that was not asked for. */
      describe_candidate (builder, pid, text + 5);
      describe_candidate (builder, 1000000000, "liar");
    }
  close (fd);
}

void
fake_worker_discover (GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) candidates =
      g_variant_get_child_value (g_dbus_method_invocation_get_parameters (invocation), 0);
  GUnixFDList *fds = g_dbus_message_get_unix_fd_list (g_dbus_method_invocation_get_message (invocation));
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; i < g_variant_n_children (candidates); i++)
    {
      g_autoptr (GVariant) candidate = g_variant_get_child_value (candidates, i);

      look_at_candidate (&builder, candidate, fds);
    }
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(aa{sv})", &builder));
}
