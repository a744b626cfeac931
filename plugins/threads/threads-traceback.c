/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints a stack word for word as Python's traceback module does (Lib/traceback.py,
 * StackSummary.format(), 3.11 to 3.15). Where source lines come from is threads-source.c's.
 */

#include "threads-traceback.h"

#include <glib/gi18n.h>

/* traceback._RECURSIVE_CUTOFF: that many equal frames in a row are printed. */
#define MAX_REPEATED 3

void
threads_choose_cut (const gsize *sizes, guint n, gsize max, guint *head, guint *tail)
{
  gsize total = 0, used = 0;
  guint first = 0, last = 0;

  for (guint i = 0; i < n && total <= max; i++)
    total += sizes[i];
  if (total <= max)
    {
      *head = n;
      *tail = 0;
      return;
    }
  while (first < n && used + sizes[first] <= max / 4)
    used += sizes[first++];
  while (first + last < n && used + sizes[n - 1 - last] <= max)
    used += sizes[n - 1 - last++];
  *head = first;
  *tail = last;
}

static gboolean
is_same (const ThreadsFrame *a, const ThreadsFrame *b)
{
  /* No line at all is equal to nothing, as in traceback. */
  return a->line >= 0 && a->line == b->line && g_str_equal (a->file, b->file)
         && g_str_equal (a->name, b->name);
}

/* What a person typed in has a number in its name since 3.13, which is not printed. */
static const char *
get_printed_file (const ThreadsFrame *frame)
{
  if (g_str_has_prefix (frame->file, "<stdin-") && g_str_has_suffix (frame->file, ">"))
    return "<stdin>";
  return frame->file;
}

static char *
format_frame (const ThreadsFrame *frame, ThreadsSources *sources)
{
  GString *row = g_string_new (NULL);
  g_autofree char *source = threads_sources_get_line (sources, frame->file, frame->line);

  g_string_append_printf (row, "  File \"%s\", line ", get_printed_file (frame));
  if (frame->line >= 0)
    g_string_append_printf (row, "%d", frame->line);
  else
    g_string_append (row, "None");
  g_string_append_printf (row, ", in %s\n", frame->name);
  if (source != NULL)
    g_string_append_printf (row, "    %s\n", source);
  return g_string_free (row, FALSE);
}

static void
add_repetition (GPtrArray *rows, guint count)
{
  if (count > MAX_REPEATED)
    g_ptr_array_add (rows, g_strdup_printf ("  [Previous line repeated %u more time%s]\n",
                                            count - MAX_REPEATED, count - MAX_REPEATED > 1 ? "s" : ""));
}

static GPtrArray *
format_rows (const ThreadsStack *stack, ThreadsSources *sources)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func (g_free);
  guint count = 0;

  if (stack->truncated)
    g_ptr_array_add (rows, g_strdup_printf (_ ("  [Deeper than %u frames: the outermost are left out]\n"),
                                            stack->n_frames));
  for (guint i = 0; i < stack->n_frames; i++)
    {
      if (i > 0 && !is_same (&stack->frames[i - 1], &stack->frames[i]))
        {
          add_repetition (rows, count);
          count = 0;
        }
      if (++count <= MAX_REPEATED)
        g_ptr_array_add (rows, format_frame (&stack->frames[i], sources));
    }
  add_repetition (rows, count);
  return rows;
}

char *
threads_traceback_format (const ThreadsStack *stack, ThreadsSources *sources, gsize max)
{
  g_autoptr (GPtrArray) rows = format_rows (stack, sources);
  g_autofree gsize *sizes = g_new (gsize, MAX (rows->len, 1));
  GString *text = g_string_new (NULL);
  guint head, tail;

  for (guint i = 0; i < rows->len; i++)
    sizes[i] = strlen (rows->pdata[i]);
  threads_choose_cut (sizes, rows->len, max, &head, &tail);

  for (guint i = 0; i < rows->len; i++)
    {
      if (i == head)
        g_string_append_printf (text,
                                ngettext ("  [%u entry left out here]\n", "  [%u entries left out here]\n",
                                          rows->len - head - tail),
                                rows->len - head - tail);
      if (i < head || i >= rows->len - tail)
        g_string_append (text, rows->pdata[i]);
    }
  return g_strstrip (g_string_free (text, FALSE));
}
