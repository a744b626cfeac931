/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The progress of a job on standard error: one line redrawn in place on a terminal, a plain line for each
 * quarter elsewhere, nothing with --quiet, and with --json nothing but the bar of a terminal.
 */
#include "client-progress.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "client-output.h"
#include "client-text.h"

#define MAX_BAR 40
#define MIN_BAR 8
/* In a plain log. */
#define STEP 0.25

struct _ClientProgress
{
  Client *client;
  char *label;
  double fraction;
  gint64 start;
  gboolean terminal;
  gboolean cancelling;
  int last_step;
  guint timer;
};

static void
append_bar (GString *line, double fraction, guint width)
{
  gboolean utf8 = client_text_is_utf8 ();
  guint full = (guint)(fraction * width + 0.5);

  for (guint i = 0; i < width; i++)
    {
      if (utf8)
        g_string_append (line, i < full ? "━" : "─");
      else
        g_string_append_c (line, i < full ? '#' : '.');
    }
}

char *
client_progress_format (const char *label, double fraction, guint seconds, const char *remark, guint width)
{
  g_autofree char *percent = g_strdup_printf ("%3.0f %%", fraction * 100);
  g_autofree char *time = g_strdup_printf ("%u:%02u", seconds / 60, seconds % 60);
  guint used = client_text_width (percent);
  gboolean has_label, has_time, has_remark;
  GString *line = g_string_new (NULL);
  guint bar;

  has_label = used + client_text_width (label) + 2 <= width;
  used += has_label ? client_text_width (label) + 2 : 0;
  has_time = used + client_text_width (time) + 2 <= width;
  used += has_time ? client_text_width (time) + 2 : 0;
  has_remark = used + client_text_width (remark) + 2 + MIN_BAR + 2 <= width;
  used += has_remark ? client_text_width (remark) + 2 : 0;
  bar = width > used + 2 ? MIN (width - used - 2, MAX_BAR) : 0;

  if (has_label)
    g_string_append_printf (line, "%s  ", label);
  if (bar >= MIN_BAR)
    {
      append_bar (line, fraction, bar);
      g_string_append (line, "  ");
    }
  g_string_append (line, percent);
  if (has_time)
    g_string_append_printf (line, "  %s", time);
  if (has_remark)
    g_string_append_printf (line, "  %s", remark);
  return g_string_free (line, FALSE);
}

static guint
get_seconds (ClientProgress *self)
{
  return (guint)((g_get_monotonic_time () - self->start) / G_USEC_PER_SEC);
}

static gboolean
draw (gpointer user_data)
{
  ClientProgress *self = user_data;
  guint width = client_output_get_width (STDERR_FILENO);
  const char *remark = self->cancelling ? _ ("cancelling…") : _ ("Ctrl-C stops");
  g_autofree char *line = NULL;

  /* The last column stays free: some terminals go to the next line when it is filled. */
  line = client_progress_format (self->label, self->fraction, get_seconds (self), remark, MAX (width, 2) - 1);
  fputs ("\r", stderr);
  client_output_write (stderr, line);
  fputs ("\033[K", stderr);
  fflush (stderr);
  return G_SOURCE_CONTINUE;
}

ClientProgress *
client_progress_new (Client *client, const char *label)
{
  ClientProgress *self;
  gboolean terminal = isatty (STDERR_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;

  if (client->quiet || (client->json && !terminal))
    return NULL;
  self = g_new0 (ClientProgress, 1);
  self->client = client;
  self->label = client_text_escape (label);
  self->start = g_get_monotonic_time ();
  self->terminal = terminal;
  self->last_step = -1;
  if (terminal)
    self->timer = g_timeout_add_seconds (1, draw, self);
  return self;
}

void
client_progress_free (ClientProgress *self)
{
  if (self->timer != 0)
    {
      g_source_remove (self->timer);
      fputs ("\r\033[K", stderr);
      fflush (stderr);
    }
  g_free (self->label);
  g_free (self);
}

void
client_progress_set (ClientProgress *self, double fraction)
{
  int step;

  if (self == NULL)
    return;
  /* So that NaN is 0 too. */
  self->fraction = fraction > 0 ? MIN (fraction, 1) : 0;
  if (self->terminal)
    {
      draw (self);
      return;
    }
  step = (int)(self->fraction / STEP);
  if (step == self->last_step)
    return;
  self->last_step = step;
  client_output_note (self->client, _ ("%s: %d %%"), self->label, (int)(step * STEP * 100));
}

void
client_progress_set_cancelling (ClientProgress *self)
{
  if (self == NULL)
    return;
  self->cancelling = TRUE;
  if (self->terminal)
    draw (self);
  else
    client_output_note (self->client, _ ("%s: cancelling…"), self->label);
}
