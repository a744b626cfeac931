/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exact counts of calls: has the snippet switch cProfile's counter on and off, and takes what was counted,
 * which is the target's word and of any shape. How to count is cpu-tracing.py's.
 */

#include "cpu-tracing.h"

#include <glib/gi18n.h>
#include <math.h>

#define SNIPPET "/org/homeassistant/Profiler/plugins/cpu/cpu-tracing.py"

#define START_SECONDS 30.0
#define ANSWER_SECONDS 10.0

/* How long the target may take to hand over what it counted. */
#define TELL_US (120 * G_USEC_PER_SEC)

#define MAX_FUNCTIONS 262144
#define MAX_CALLERS 4194304

struct _CpuTracing
{
  PyRun *run;
  guint n_callers;
};

static gint64
get_count (JsonArray *row, guint index)
{
  return MAX (json_array_get_int_element (row, index), 0);
}

static double
get_seconds (JsonArray *row, guint index)
{
  double seconds = json_array_get_double_element (row, index);

  return isfinite (seconds) ? seconds : 0;
}

/* @first: where the numbers begin: calls, primitive calls, own seconds, all seconds */
static HapCallCount
get_counts (JsonArray *row, guint first)
{
  return (HapCallCount){ .calls = get_count (row, first),
                         .primitive = get_count (row, first + 1),
                         .self = get_seconds (row, first + 2),
                         .total = get_seconds (row, first + 3) };
}

/* Whether a row has the types that @types names: s, i, d (a whole number is one, too), a */
static gboolean
has_types (JsonArray *row, const char *types)
{
  for (guint i = 0; types[i] != '\0'; i++)
    {
      JsonNode *node = i < json_array_get_length (row) ? json_array_get_element (row, i) : NULL;
      GType type =
          node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_NONE;

      if ((types[i] == 's' && type != G_TYPE_STRING) || (types[i] == 'i' && type != G_TYPE_INT64)
          || (types[i] == 'd' && type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
          || (types[i] == 'a' && (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))))
        return FALSE;
    }
  return TRUE;
}

static JsonArray *
get_row (JsonNode *node, const char *types)
{
  JsonArray *row = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  return row != NULL && has_types (row, types) ? row : NULL;
}

static gboolean
take_callers (CpuTracing *self, HapCountedFunction *function, JsonArray *callers)
{
  for (guint i = 0; i < json_array_get_length (callers); i++)
    {
      JsonArray *row = get_row (json_array_get_element (callers, i), "iiidd");
      HapCountedCaller caller;

      if (row == NULL || ++self->n_callers > MAX_CALLERS)
        return FALSE;
      caller.caller = (guint32)MIN (get_count (row, 0), G_MAXUINT32);
      caller.count = get_counts (row, 1);
      g_array_append_val (function->callers, caller);
    }
  return TRUE;
}

/* file, first line, name, qualified name, the function's counts, callers: each its number and the counts of
 * its calls */
static gboolean
take_function (CpuTracing *self, HapCallCounts *counts, JsonNode *value)
{
  JsonArray *row = get_row (value, "sissiidda");
  HapCountedFunction *function;

  if (row == NULL || counts->functions->len >= MAX_FUNCTIONS)
    return FALSE;
  function = hap_call_counts_add (
      counts, json_array_get_string_element (row, 0), (gint)MIN (get_count (row, 1), G_MAXINT),
      json_array_get_string_element (row, 2), json_array_get_string_element (row, 3));
  function->count = get_counts (row, 4);
  return take_callers (self, function, json_array_get_array_element (row, 8));
}

/* Before 3.12 the main thread alone can switch its counter off. */
static void
explain_silence (GError **error)
{
  if (g_error_matches (*error, HAP_ERROR, HAP_ERROR_TIMED_OUT))
    g_prefix_error (error,
                    _ ("The target's main thread did not come to stop counting; it will as soon as it runs "
                       "Python code again. "));
}

static gboolean
take_functions (CpuTracing *self, HapCallCounts *counts, JsonNode *value)
{
  JsonArray *rows = value != NULL && JSON_NODE_HOLDS_ARRAY (value) ? json_node_get_array (value) : NULL;

  for (guint i = 0; rows != NULL && i < json_array_get_length (rows); i++)
    if (!take_function (self, counts, json_array_get_element (rows, i)))
      return FALSE;
  return rows != NULL;
}

static HapCallCounts *
fail (const char *what, GError **error)
{
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("The target's counts cannot be understood: %s"), what);
  return NULL;
}

HapCallCounts *
cpu_tracing_finish (CpuTracing *self, gboolean *mixed, GError **error)
{
  const gint64 deadline = g_get_monotonic_time () + TELL_US;
  g_autoptr (HapCallCounts) counts = hap_call_counts_new ();
  g_autoptr (JsonNode) value = NULL;
  PyRunEvent event = PY_RUN_ITEM;

  py_run_let_go (self->run);
  while (TRUE)
    {
      g_clear_pointer (&value, json_node_unref);
      if (!py_run_next (self->run, &event, &value, ANSWER_SECONDS, NULL, error))
        {
          explain_silence (error);
          return NULL;
        }
      if (event == PY_RUN_RESULT)
        break;
      if (g_get_monotonic_time () > deadline)
        return fail ("it goes on and on", error);
      if (!take_functions (self, counts, value))
        return fail ("no row of a profile, or too many", error);
    }
  if (value == NULL || !JSON_NODE_HOLDS_OBJECT (value) || !hap_call_counts_are_whole (counts))
    return fail ("callers are missing", error);
  *mixed = json_object_get_boolean_member_with_default (json_node_get_object (value), "mixed", FALSE);
  return g_steal_pointer (&counts);
}

/* The snippet does not stay where there is another profiler. */
static void
set_refusal (JsonNode *value, GError **error)
{
  JsonObject *object = value != NULL && JSON_NODE_HOLDS_OBJECT (value) ? json_node_get_object (value) : NULL;
  const char *other =
      object != NULL ? json_object_get_string_member_with_default (object, "other", "?") : "?";

  g_set_error (
      error, HAP_ERROR, HAP_ERROR_BUSY,
      _ ("Another profiler counts in the target already (%s), and there can be one only. Stop it, or "
         "use the mode "
         "“sampling”, which needs nothing in the target"),
      other);
}

CpuTracing *
cpu_tracing_start (HapTarget *target, PyRuntime *runtime, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) snippet = g_resources_lookup_data (SNIPPET, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  g_autoptr (PyRun) run = snippet != NULL ? py_run_new (target, runtime) : NULL;
  g_autoptr (JsonNode) value = NULL;
  CpuTracing *self;
  PyRunEvent event;

  if (run == NULL
      || !py_run_start (run, g_bytes_get_data (snippet, NULL), NULL, START_SECONDS, cancellable, error)
      || !py_run_next (run, &event, &value, ANSWER_SECONDS, cancellable, error))
    return NULL;
  if (event != PY_RUN_STAYS)
    {
      set_refusal (value, error);
      return NULL;
    }
  self = g_new0 (CpuTracing, 1);
  self->run = g_steal_pointer (&run);
  return self;
}

void
cpu_tracing_free (CpuTracing *self)
{
  if (self == NULL)
    return;
  g_object_unref (self->run);
  g_free (self);
}
