/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs the built command, with pipes or on a terminal, and collects what it prints while the fake service
 * answers from the same main context.
 */
#include "client-run.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "client-text.h"

typedef struct
{
  ClientRun *run;
  GString *text;
} Reading;

static void read_more (GInputStream *stream, Reading *reading);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Reading *reading = user_data;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);
  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;

  /* The end of a terminal is an error, EIO. */
  if (size == 0)
    {
      reading->run->n_open--;
      g_free (reading);
      return;
    }
  g_string_append_len (reading->text, data, (gssize)size);
  read_more (G_INPUT_STREAM (source), reading);
}

static void
read_more (GInputStream *stream, Reading *reading)
{
  g_input_stream_read_bytes_async (stream, 4096, G_PRIORITY_DEFAULT, NULL, on_read, reading);
}

static void
collect (ClientRun *self, GInputStream *stream, GString *text)
{
  Reading *reading = g_new (Reading, 1);

  *reading = (Reading){ .run = self, .text = text };
  self->n_open++;
  read_more (stream, reading);
}

static void
on_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ClientRun *self = user_data;

  g_subprocess_wait_finish (self->process, result, NULL);
  self->ended = TRUE;
}

gboolean
client_run_has_terminals (void)
{
  int terminal = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  gboolean has = terminal >= 0 && unlockpt (terminal) == 0 && access (ptsname (terminal), R_OK | W_OK) == 0;

  if (terminal >= 0)
    close (terminal);
  if (!has)
    g_test_skip ("this system has no terminals: /dev/pts is not mounted");
  return has;
}

/* Returns: our end of a terminal of @columns whose other end is the process's. */
static int
open_terminal (GSubprocessLauncher *launcher, guint columns)
{
  struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)columns };
  int ours = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  int theirs;

  g_assert_cmpint (ours, !=, -1);
  g_assert_cmpint (grantpt (ours) | unlockpt (ours), ==, 0);
  theirs = open (ptsname (ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (theirs, !=, -1);
  g_assert_cmpint (ioctl (theirs, TIOCSWINSZ, &size), ==, 0);
  g_subprocess_launcher_take_stdin_fd (launcher, dup (theirs));
  g_subprocess_launcher_take_stdout_fd (launcher, dup (theirs));
  g_subprocess_launcher_take_stderr_fd (launcher, theirs);
  return ours;
}

static void
set_environment (GSubprocessLauncher *launcher, const ClientRunSetup *setup)
{
  static const char *const unset[] = { "COLUMNS", "NO_COLOR", "LANGUAGE", "DISPLAY", "WAYLAND_DISPLAY" };

  for (guint i = 0; i < G_N_ELEMENTS (unset); i++)
    g_subprocess_launcher_unsetenv (launcher, unset[i]);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  g_subprocess_launcher_setenv (launcher, "TERM", "xterm-256color", TRUE);
  for (guint i = 0; setup->env != NULL && setup->env[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (setup->env[i], "=", 2);

      g_subprocess_launcher_setenv (launcher, pair[0], pair[1], TRUE);
    }
}

ClientRun *
client_run_start (const ClientRunSetup *setup, const char *const *arguments)
{
  ClientRun *self = g_new0 (ClientRun, 1);
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GInputStream) terminal = NULL;
  g_autoptr (GError) error = NULL;
  GSubprocessFlags flags = G_SUBPROCESS_FLAGS_NONE;

  if (setup->columns == 0)
    flags = G_SUBPROCESS_FLAGS_STDERR_PIPE | (setup->out == NULL ? G_SUBPROCESS_FLAGS_STDOUT_PIPE : 0);
  launcher = g_subprocess_launcher_new (flags);
  if (setup->out != NULL)
    g_subprocess_launcher_set_stdout_file_path (launcher, setup->out);
  set_environment (launcher, setup);
  if (setup->columns > 0)
    terminal = g_unix_input_stream_new (open_terminal (launcher, setup->columns), TRUE);
  g_ptr_array_add (argv, g_strdup (HA_PROFILER));
  if (setup->bus != NULL)
    g_ptr_array_add (argv, g_strconcat ("--bus=", setup->bus, NULL));
  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, g_strdup (arguments[i]));
  g_ptr_array_add (argv, NULL);

  self->out = g_string_new (NULL);
  self->err = g_string_new (NULL);
  self->process = g_subprocess_launcher_spawnv (launcher, (const char *const *)argv->pdata, &error);
  g_assert_no_error (error);
  /* Lets go of our copies of the terminal's other end. */
  g_clear_object (&launcher);
  if (terminal != NULL)
    collect (self, terminal, self->out);
  else
    {
      if (setup->out == NULL)
        collect (self, g_subprocess_get_stdout_pipe (self->process), self->out);
      collect (self, g_subprocess_get_stderr_pipe (self->process), self->err);
    }
  g_subprocess_wait_async (self->process, NULL, on_ended, self);
  return self;
}

void
client_run_wait_for (ClientRun *self, const char *text)
{
  while (strstr (self->out->str, text) == NULL && strstr (self->err->str, text) == NULL)
    {
      if (self->ended && self->n_open == 0)
        g_error ("Ended before it printed “%s”:\n%s\n%s", text, self->out->str, self->err->str);
      g_main_context_iteration (NULL, TRUE);
    }
}

void
client_run_signal (ClientRun *self, int number)
{
  g_subprocess_send_signal (self->process, number);
}

int
client_run_finish (ClientRun *self)
{
  while (!self->ended || self->n_open > 0)
    g_main_context_iteration (NULL, TRUE);
  return g_subprocess_get_if_exited (self->process) ? g_subprocess_get_exit_status (self->process) : -1;
}

void
client_run_free (ClientRun *self)
{
  if (!self->ended)
    g_subprocess_force_exit (self->process);
  client_run_finish (self);
  g_object_unref (self->process);
  g_string_free (self->out, TRUE);
  g_string_free (self->err, TRUE);
  g_free (self);
}

guint
client_run_measure (const char *text)
{
  g_autoptr (GRegex) sequences = g_regex_new ("\033\\[[0-9;]*[A-Za-z]|\r", 0, 0, NULL);
  g_autofree char *plain = g_regex_replace_literal (sequences, text, -1, 0, "", 0, NULL);
  g_auto (GStrv) lines = g_strsplit (plain, "\n", -1);
  guint widest = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    widest = MAX (widest, client_text_width (lines[i]));
  return widest;
}
