/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What came out of a job or a report, for people. Facts that this file knows get words and columns of their
 * own; all others are shown by their keys, so that no plugin needs anything here.
 */
#include "client-result.h"

#include <glib/gi18n.h>
#include <math.h>

#include "client-artifacts.h"
#include "client-format.h"
#include "client-rows.h"

#define MAX_INTEGRATIONS 12
#define MAX_FUNCTIONS 10
#define MAX_ROWS 20

/* The facts that print_sampling() and print_reading() put into words. */
static const char *const worded[] = { "samples",        "seconds",      "rate",    "interval_ns",
                                      "threads",        "python",       "live",    "still",
                                      "stopped",        "truncated",    "dropped", "pause_max_us",
                                      "pause_total_us", "observations", "weight",  NULL };

/* What other facts are called; the first is said before all others, and by itself. */
static const struct
{
  const char *key;
  const char *label;
} labels[] = {
  { "verdict", NULL },
  { "all_bytes", N_ ("Size of all objects") },
  { "all_objects", N_ ("All objects") },
  { "bytes", N_ ("Size of new objects") },
  { "calls_counted", N_ ("Calls counted") },
  { "dropped", N_ ("Dropped") },
  { "duration_us", N_ ("Longest scan") },
  { "enabled", N_ ("Switched on") },
  { "ended", N_ ("Ended") },
  { "functions_counted", N_ ("Functions counted") },
  { "loops", N_ ("Event loops") },
  { "mixed", N_ ("Other threads' calls among them") },
  { "n_conservative", N_ ("Objects of an unknown layout") },
  { "n_skipped", N_ ("Objects left out") },
  { "no_snapshot", N_ ("Copied, not forked") },
  { "objects", N_ ("Objects") },
  { "pause_us", N_ ("Longest pause") },
  { "previous", N_ ("Before") },
  { "python", N_ ("Python version") },
  { "records", N_ ("Records") },
  { "scans", N_ ("Scans") },
  { "seconds", N_ ("Duration") },
};

/* What a part of the program is; as the service says it. */
static const char *const kinds[] = { N_ ("integration"), N_ ("custom"), N_ ("core"),  N_ ("application"),
                                     N_ ("library"),     N_ ("stdlib"), N_ ("shared") };

static char *
format_kind (GVariant *row, const char *key)
{
  char *kind = client_lookup_text (row, key);

  for (guint i = 0; kind != NULL && i < G_N_ELEMENTS (kinds); i++)
    {
      if (!g_str_equal (kind, kinds[i]))
        continue;
      g_free (kind);
      return g_strdup (_ (kinds[i]));
    }
  return kind;
}

/* Names are the program's own, but for what belongs to no part of it. */
static char *
format_name (GVariant *row, const char *key)
{
  g_autofree char *name = client_lookup_text (row, key);

  if (g_strcmp0 (name, "Application") == 0)
    return g_strdup (_ ("Application"));
  return g_steal_pointer (&name);
}

/* What resident memory is used for. */
static const struct
{
  const char *area;
  const char *label;
} areas[] = {
  { "python", N_ ("Python objects") },
  { "slack", N_ ("free, but kept by allocators") },
  { "files", N_ ("files (programs, libraries, shared memory)") },
  { "stacks", N_ ("stacks of threads") },
  { "native", N_ ("native (memory of C code, not of Python)") },
};

static char *
format_area (GVariant *row, const char *key)
{
  char *area = client_lookup_text (row, key);

  for (guint i = 0; area != NULL && i < G_N_ELEMENTS (areas); i++)
    {
      if (!g_str_equal (area, areas[i].area))
        continue;
      g_free (area);
      return g_strdup (_ (areas[i].label));
    }
  return area;
}

static char *
format_bytes (GVariant *row, const char *key)
{
  double bytes;

  return client_lookup_number (row, key, &bytes) && bytes >= 0 && bytes < 0x1p63
             ? client_format_size ((guint64)bytes)
             : NULL;
}

static char *
format_place (GVariant *row, const char *key)
{
  g_autofree char *file = client_lookup_text (row, "file");
  double line;

  if (file == NULL)
    return NULL;
  if ((client_lookup_number (row, "hottest_line", &line) && line > 0)
      || (client_lookup_number (row, "line", &line) && line > 0))
    return g_strdup_printf ("%s:%.0f", file, line);
  return g_steal_pointer (&file);
}

/* The integration that a function belongs to, else what it is part of. */
static char *
format_owner (GVariant *row, const char *key)
{
  g_autofree char *integration = client_lookup_text (row, "integration");

  return integration != NULL ? g_steal_pointer (&integration) : format_name (row, "origin");
}

static char *
format_seconds (GVariant *row, const char *key)
{
  double seconds;

  return client_lookup_number (row, key, &seconds) ? client_format_seconds (seconds) : NULL;
}

static const ClientField integration_fields[] = {
  { "name", format_name, { N_ ("INTEGRATION"), FALSE, 10, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN } },
  { "kind", format_kind, { N_ ("KIND"), FALSE, 0, CLIENT_CUT_END, 4, CLIENT_STYLE_FAINT } },
  { "share", NULL, { N_ ("SHARE"), TRUE, 0, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN } },
  { "share", client_rows_bar, { "", FALSE, 0, CLIENT_CUT_END, 5, CLIENT_STYLE_BAR } },
  { "running", format_seconds, { N_ ("RUNNING"), TRUE, 0, CLIENT_CUT_END, 1, CLIENT_STYLE_PLAIN } },
  { "blocking", format_seconds, { N_ ("BLOCKING"), TRUE, 0, CLIENT_CUT_END, 2, CLIENT_STYLE_PLAIN } },
  { "waiting", format_seconds, { N_ ("WAITING"), TRUE, 0, CLIENT_CUT_END, 3, CLIENT_STYLE_FAINT } },
  { "objects", NULL, { N_ ("OBJECTS"), TRUE, 0, CLIENT_CUT_END, 1, CLIENT_STYLE_PLAIN } },
  { "bytes", NULL, { N_ ("SIZE"), TRUE, 0, CLIENT_CUT_END, 1, CLIENT_STYLE_PLAIN } },
  { NULL },
};

static const ClientField memory_fields[] = {
  { "area", format_area, { N_ ("MEMORY"), FALSE, 12, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN } },
  { "bytes", NULL, { N_ ("SIZE"), TRUE, 0, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN } },
  { "before", format_bytes, { N_ ("BEFORE"), TRUE, 0, CLIENT_CUT_END, 1, CLIENT_STYLE_FAINT } },
  { NULL },
};

static const ClientField function_fields[] = {
  { "function", NULL, { N_ ("FUNCTION"), FALSE, 18, CLIENT_CUT_START, 0, CLIENT_STYLE_PLAIN } },
  { "file", format_place, { N_ ("WHERE"), FALSE, 24, CLIENT_CUT_START, 3, CLIENT_STYLE_FAINT } },
  { "integration", format_owner, { N_ ("PART OF"), FALSE, 8, CLIENT_CUT_END, 4, CLIENT_STYLE_PLAIN } },
  { "self_busy", format_seconds, { N_ ("BUSY"), TRUE, 0, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN } },
  { "self", format_seconds, { N_ ("SELF"), TRUE, 0, CLIENT_CUT_END, 5, CLIENT_STYLE_FAINT } },
  { "total", format_seconds, { N_ ("TOTAL"), TRUE, 0, CLIENT_CUT_END, 2, CLIENT_STYLE_FAINT } },
  { NULL },
};

static const ClientField call_fields[] = {
  { "function", NULL, { N_ ("FUNCTION"), FALSE, 18, CLIENT_CUT_START, 0, CLIENT_STYLE_PLAIN } },
  { "file", format_place, { N_ ("WHERE"), FALSE, 24, CLIENT_CUT_START, 3, CLIENT_STYLE_FAINT } },
  { "integration", format_owner, { N_ ("PART OF"), FALSE, 8, CLIENT_CUT_END, 4, CLIENT_STYLE_PLAIN } },
  { "calls", NULL, { N_ ("CALLS"), TRUE, 0, CLIENT_CUT_END, 0, CLIENT_STYLE_PLAIN } },
  { "self", format_seconds, { N_ ("SELF"), TRUE, 0, CLIENT_CUT_END, 5, CLIENT_STYLE_PLAIN } },
  { "total", format_seconds, { N_ ("TOTAL"), TRUE, 0, CLIENT_CUT_END, 2, CLIENT_STYLE_FAINT } },
  { NULL },
};

static void
print_parts (Client *client, ClientStyle style, GPtrArray *parts)
{
  g_autofree char *line = NULL;
  g_autofree char *escaped = NULL;
  g_autofree char *wrapped = NULL;

  if (parts->len == 0)
    return;
  g_ptr_array_add (parts, NULL);
  line = g_strjoinv (", ", (char **)parts->pdata);
  escaped = client_text_escape (line);
  wrapped = client_text_wrap (escaped, client->width, 0);
  client_output_print (client, style, "%s", wrapped);
}

static guint64
to_count (double number)
{
  return number > 0 && number < 0x1p63 ? (guint64)number : 0;
}

static char *
format_rate (GVariant *summary, double rate)
{
  g_autofree char *reached = client_format_number (rate >= 10 ? round (rate) : rate);
  g_autofree char *wanted = NULL;
  double interval;

  if (!client_lookup_number (summary, "interval_ns", &interval) || interval <= 0 || rate * interval >= 0.97e9)
    return g_strdup_printf (_ ("%s a second"), reached);
  wanted = client_format_number (round (1e9 / interval));
  return g_strdup_printf (_ ("%s of %s a second"), reached, wanted);
}

static char *
format_samples (GVariant *summary, guint64 samples)
{
  g_autofree char *count = client_format_count (samples);
  g_autofree char *time = NULL;
  double seconds;

  if (!client_lookup_number (summary, "seconds", &seconds))
    return g_strdup_printf (ngettext ("%s sample", "%s samples", samples), count);
  time = client_format_duration (seconds);
  return g_strdup_printf (ngettext ("%s sample in %s", "%s samples in %s", samples), count, time);
}

/* "2,970 samples in 30.0 s, 99 a second, 14 threads, process 812, Python 3.13.1" */
static void
print_sampling (Client *client, GVariant *summary, guint target)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *python = client_lookup_text (summary, "python");
  double number;

  if (!client_lookup_number (summary, "samples", &number))
    return;
  g_ptr_array_add (parts, format_samples (summary, to_count (number)));
  if (client_lookup_number (summary, "rate", &number))
    g_ptr_array_add (parts, format_rate (summary, number));
  if (client_lookup_number (summary, "threads", &number))
    g_ptr_array_add (parts, g_strdup_printf (ngettext ("%u thread", "%u threads", to_count (number)),
                                             (guint)to_count (number)));
  if (target != 0)
    g_ptr_array_add (parts, g_strdup_printf (_ ("process %u"), target));
  if (python != NULL)
    g_ptr_array_add (parts, g_strdup_printf (_ ("Python %s"), python));
  print_parts (client, CLIENT_STYLE_STRONG, parts);
}

/* How the samples were had, and what that cost the target. */
static const struct
{
  const char *key;
  const char *words;
  gboolean time; /* in microseconds; else a count */
} readings[] = {
  { "live", N_ ("read live"), FALSE },          { "still", N_ ("at rest"), FALSE },
  { "stopped", N_ ("stopped for"), FALSE },     { "truncated", N_ ("cut short"), FALSE },
  { "dropped", N_ ("dropped"), FALSE },         { "pause_max_us", N_ ("longest stop"), TRUE },
  { "pause_total_us", N_ ("all stops"), TRUE },
};

/* "2,900 read live, 60 at rest, 10 stopped for, longest stop 41 µs" */
static void
print_reading (Client *client, GVariant *summary)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < G_N_ELEMENTS (readings); i++)
    {
      const char *words = _ (readings[i].words);
      g_autofree char *text = NULL;
      double number;

      if (!client_lookup_number (summary, readings[i].key, &number) || !(number > 0))
        continue;
      text =
          readings[i].time ? client_format_duration (number / 1e6) : client_format_count (to_count (number));
      g_ptr_array_add (parts, readings[i].time ? g_strdup_printf ("%s %s", words, text)
                                               : g_strdup_printf ("%s %s", text, words));
    }
  print_parts (client, CLIENT_STYLE_FAINT, parts);
}

static void
print_fact (Client *client, const char *key, GVariant *value)
{
  const char *label = key;
  g_autofree char *text = client_format_fact (key, value);
  g_autofree char *line = NULL;
  g_autofree char *escaped = NULL;
  g_autofree char *wrapped = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      if (g_str_equal (labels[i].key, key))
        label = labels[i].label != NULL ? _ (labels[i].label) : NULL;
    }
  line = label != NULL ? g_strdup_printf ("%s: %s", label, text) : g_strdup (text);
  escaped = client_text_escape_lines (line);
  wrapped = client_text_wrap (escaped, client->width, 0);
  client_output_print (client, CLIENT_STYLE_PLAIN, "%s", wrapped);
}

static void
print_rows (Client *client, const char *key, GVariant *rows)
{
  g_autofree char *escaped = client_text_escape (key);

  if (g_variant_n_children (rows) == 0)
    return;
  fputc ('\n', stdout);
  if (g_str_equal (key, "integrations"))
    client_rows_print (client, rows, integration_fields, "share", MAX_INTEGRATIONS);
  else if (g_str_equal (key, "functions"))
    client_rows_print (client, rows, function_fields, "self_busy", MAX_FUNCTIONS);
  else if (g_str_equal (key, "memory"))
    client_rows_print (client, rows, memory_fields, "bytes", MAX_ROWS);
  else if (g_str_equal (key, "calls"))
    client_rows_print (client, rows, call_fields, "self", MAX_FUNCTIONS);
  else
    {
      client_output_print (client, CLIENT_STYLE_STRONG, "%s:", escaped);
      client_rows_print_any (client, rows, MAX_ROWS);
    }
}

/* By the alphabet, but for what is said first. */
static int
compare_keys (gconstpointer a, gconstpointer b)
{
  const char *first = *(const char *const *)a;
  const char *second = *(const char *const *)b;
  int leads = g_str_equal (second, labels[0].key) - g_str_equal (first, labels[0].key);

  return leads != 0 ? leads : strcmp (first, second);
}

/* Returns: (transfer full): the keys; the tables that a person looks for first come first. */
static GPtrArray *
list_keys (GVariant *summary)
{
  GPtrArray *keys = g_ptr_array_new_with_free_func (g_free);
  GVariantIter iterator;
  const char *key;

  g_variant_iter_init (&iterator, summary);
  while (g_variant_iter_next (&iterator, "{&sv}", &key, NULL))
    g_ptr_array_add (keys, g_strdup (key));
  g_ptr_array_sort (keys, compare_keys);
  return keys;
}

static void
print_summary (Client *client, GVariant *summary, guint target)
{
  static const char *const first[] = { "integrations", "functions", "calls", NULL };
  g_autoptr (GPtrArray) keys = list_keys (summary);
  g_autoptr (GVariant) samples = g_variant_lookup_value (summary, "samples", NULL);

  print_sampling (client, summary, target);
  print_reading (client, summary);
  for (guint i = 0; i < keys->len; i++)
    {
      const char *key = g_ptr_array_index (keys, i);
      g_autoptr (GVariant) value = g_variant_lookup_value (summary, key, NULL);
      gboolean shown = samples != NULL && g_strv_contains (worded, key);

      if (!shown && !g_variant_is_of_type (value, G_VARIANT_TYPE ("aa{sv}")))
        print_fact (client, key, value);
    }
  for (guint i = 0; first[i] != NULL; i++)
    {
      g_autoptr (GVariant) rows = g_variant_lookup_value (summary, first[i], G_VARIANT_TYPE ("aa{sv}"));

      if (rows != NULL)
        print_rows (client, first[i], rows);
    }
  for (guint i = 0; i < keys->len; i++)
    {
      const char *key = g_ptr_array_index (keys, i);
      g_autoptr (GVariant) rows = g_variant_lookup_value (summary, key, G_VARIANT_TYPE ("aa{sv}"));

      if (rows != NULL && !g_strv_contains (first, key))
        print_rows (client, key, rows);
    }
}

void
client_result_print (Client *client, ClientJob *job)
{
  g_autoptr (GVariant) summary = client_job_get (job, "Summary", "a{sv}");
  g_autoptr (GVariant) artifacts = client_job_get (job, "Artifacts", "aa{sv}");
  g_autoptr (GVariant) target = client_job_get (job, "Target", "u");

  if (summary != NULL && g_variant_n_children (summary) > 0)
    print_summary (client, summary, target != NULL ? g_variant_get_uint32 (target) : 0);
  if (artifacts == NULL || g_variant_n_children (artifacts) == 0)
    return;
  fputc ('\n', stdout);
  client_artifacts_print (client, artifacts, FALSE);
  if (client->output_dir == NULL)
    client_output_print (client, CLIENT_STYLE_FAINT, "%s", _ ("“ha-profiler open ARTIFACT” opens one."));
}

void
client_result_print_report (Client *client, GVariant *entries)
{
  gsize n = g_variant_n_children (entries);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (entries, i);
      g_autofree char *message = client_lookup_text (entry, "message");
      g_autofree char *escaped = NULL;
      g_autofree char *wrapped = NULL;

      if (message == NULL)
        continue;
      escaped = client_text_escape_lines (message);
      wrapped = client_text_wrap_lines (escaped, client->width);
      client_output_print (client, CLIENT_STYLE_PLAIN, "%s", wrapped);
    }
}
