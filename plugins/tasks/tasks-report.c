/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sends what was read: line by line, then the count by integration.
 */

#include "tasks-report.h"

#include <glib/gi18n.h>

#include "hap-origin-counts.h"

/* The service takes 32 MiB of a report at once, counting some more for each entry. */
#define MAX_REPORT (31 * 1024 * 1024)
#define ENTRY_COST 256

static gboolean
send_entry (HapReport *report, TasksEntry *entry, gsize *left, GError **error)
{
  gsize size = g_variant_get_size (entry->fields) + ENTRY_COST;

  if (size > *left)
    {
      *left = 0;
      return TRUE;
    }
  *left -= size;
  return hap_report_entry (report, entry->message, entry->fields, error);
}

static gboolean
send_sum (HapReport *report,
          const char *what,
          const TasksMoment *moment,
          HapOriginCounts *counts,
          guint n_sent,
          GError **error)
{
  g_autofree char *list = hap_origin_counts_to_string (counts);
  g_autofree char *message = g_strconcat (
      g_str_equal (what, "tasks") ? _ ("Tasks by integration:") : _ ("Handles by integration:"), list, NULL);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  tasks_add_field (&builder, "integrations", hap_origin_counts_to_variant (counts, what));
  tasks_add_field (&builder, what, g_variant_new_uint32 (moment->entries->len));
  tasks_add_field (&builder, "unread", g_variant_new_uint32 (moment->n_unread));
  if (moment->torn)
    tasks_add_field (&builder, "incomplete", g_variant_new_boolean (TRUE));
  if (n_sent < moment->entries->len)
    tasks_add_field (&builder, "left_out", g_variant_new_uint32 (moment->entries->len - n_sent));
  tasks_add_field (&builder, "pause_us", g_variant_new_double ((double)moment->pause_ns / 1e3));
  tasks_add_field (&builder, "snapshots", g_variant_new_uint32 (moment->n_snapshots));
  tasks_add_field (&builder, "way", g_variant_new_string (moment->way));
  if (moment->no_snapshot != NULL)
    tasks_add_field (&builder, "no_snapshot", g_variant_new_string (moment->no_snapshot));
  tasks_add_field (&builder, "python", g_variant_new_string (moment->python));
  return hap_report_entry (report, message, g_variant_builder_end (&builder), error);
}

gboolean
tasks_report_send (HapReport *report,
                   const char *what,
                   const TasksMoment *moment,
                   GPtrArray *notes,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (HapOriginCounts) counts = hap_origin_counts_new ();
  gsize left = MAX_REPORT;
  guint n_sent = 0;

  for (guint i = 0; i < moment->entries->len; i++)
    {
      TasksEntry *entry = moment->entries->pdata[i];

      if (g_cancellable_set_error_if_cancelled (cancellable, error)
          || !send_entry (report, entry, &left, error))
        return FALSE;
      hap_origin_counts_add (counts, entry->origin);
      n_sent += left > 0;
    }
  if (moment->torn)
    g_ptr_array_add (notes, g_strdup (_ ("The process was in the middle of a change at each look: tasks, or "
                                         "what one that runs is in, may be missing")));
  for (guint i = 0; i < notes->len; i++)
    if (!hap_report_entry (report, notes->pdata[i], NULL, error))
      return FALSE;
  return send_sum (report, what, moment, counts, n_sent, error);
}
