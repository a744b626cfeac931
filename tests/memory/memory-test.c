/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Memory job in a test: run, something happens meanwhile, and what the report says.
 */

#include "memory-test.h"

typedef struct
{
  HapTestProcess *process;
  MemoryBetween between; /* NULL: nothing, or it was done */
} Between;

/* Progress is told only once the first moment is past, and the second one comes when this has returned. */
static void
on_progress (HapTestReport *report, gpointer data)
{
  Between *self = data;
  MemoryBetween between = g_steal_pointer (&self->between);

  if (between != NULL)
    between (self->process);
}

HapTestReport *
memory_test_run (HapTestProcess *process, const char *data, MemoryBetween between, GError **error)
{
  g_autoptr (HapAction) action = hap_test_action_new ("memory", "Memory", data);
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), TRUE, error);
  g_autoptr (HapTestReport) report = hap_test_report_new ();
  Between self = { process, between };

  if (target == NULL)
    return NULL;
  hap_test_allow_tracers (target, G_MAXUINT);
  hap_test_report_set_on_progress (report, on_progress, &self);
  return hap_action_run (action, target, HAP_REPORT (report), NULL, error) ? g_steal_pointer (&report) : NULL;
}

void
memory_test_grow (HapTestProcess *process)
{
  g_autofree char *line = NULL;

  hap_test_process_write_line (process, "");
  line = hap_test_process_read_line (process);
  g_assert_cmpstr (line, ==, "grown");
}

char *
memory_test_read (HapTestReport *report, const char *suffix)
{
  g_autofree char *name = g_strconcat ("heap_profile.1700000000000000.", suffix, NULL);
  g_autofree char *path = hap_test_report_get_path (report, name);
  g_autoptr (GError) error = NULL;
  char *text;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

const char *
memory_test_get_verdict (HapTestReport *report)
{
  const char *verdict;

  g_assert_true (g_variant_lookup (hap_test_report_get_summary (report), "verdict", "&s", &verdict));
  return verdict;
}

static guint64
look_up (HapTestReport *report, const char *table, const char *key, const char *wanted, const char *column)
{
  g_autoptr (GVariant) rows =
      g_variant_lookup_value (hap_test_report_get_summary (report), table, G_VARIANT_TYPE ("aa{sv}"));
  guint64 value = 0;

  g_assert_nonnull (rows);
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      const char *name;

      g_assert_true (g_variant_lookup (row, key, "&s", &name));
      if (g_str_equal (name, wanted))
        g_assert_true (g_variant_lookup (row, column, "t", &value));
    }
  return value;
}

guint64
memory_test_get_area (HapTestReport *report, const char *area, const char *column)
{
  return look_up (report, "memory", "area", area, column);
}

guint64
memory_test_get_integration (HapTestReport *report, const char *name, const char *column)
{
  return look_up (report, "integrations", "name", name, column);
}
