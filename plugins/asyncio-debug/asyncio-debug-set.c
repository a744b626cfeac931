/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SetAsyncioDebug: has the snippet switch the mode, and reports what it hands over until the time is over,
 * somebody else switches the mode, or the job is cancelled. The mode goes off with us, however we end.
 */

#include "asyncio-debug-set.h"

#include <glib/gi18n.h>

#include "hap-origin.h"
#include "hap-target.h"
#include "py-run.h"

#define SNIPPET "/org/homeassistant/Profiler/plugins/asyncio-debug/asyncio-debug.py"

#define START_SECONDS 30.0
#define ANSWER_SECONDS 10.0
#define POLL_SECONDS 1.0

/* Any progress answers the call. */
#define SETTLED 0.01

/* Paths of source files, as asyncio's texts have them: "at /path/file.py:12", "created at …". */
#define SOURCE_FILE "(?:^|[\\s\"'=(])((?:/|<)[^\\s:\"']+\\.py)"

struct _AsyncioDebugSet
{
  HapAction parent_instance;

  gboolean enabled;
  double seconds;
};

G_DEFINE_FINAL_TYPE (AsyncioDebugSet, asyncio_debug_set, HAP_TYPE_ACTION)

enum
{
  PROP_0,
  PROP_ENABLED,
  PROP_SECONDS,
  N_PROPS
};

/* From when the mode is set. */
typedef struct
{
  PyRun *run;
  HapReport *report;
  gboolean previous;
  guint n_loops, n_records;
  gint64 n_dropped;
  enum
  {
    ON,
    HANDED_OVER, /* to somebody else who sets it */
    ENDED,
  } phase;
} Session;

/* What the snippet says is the target's, and of any shape. */
static JsonObject *
get_object (JsonNode *value)
{
  return value != NULL && JSON_NODE_HOLDS_OBJECT (value) ? json_node_get_object (value) : NULL;
}

static gint64
get_int (JsonNode *value, const char *key)
{
  JsonObject *object = get_object (value);

  return object != NULL ? json_object_get_int_member_with_default (object, key, 0) : 0;
}

static gboolean
get_boolean (JsonNode *value, const char *key)
{
  JsonObject *object = get_object (value);

  return object != NULL && json_object_get_boolean_member_with_default (object, key, FALSE);
}

/* Whose code a text of asyncio is about. (nullable) */
static const HapOrigin *
find_origin (const char *message)
{
  g_autoptr (GRegex) regex = g_regex_new (SOURCE_FILE, 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  const HapOrigin *origin = NULL;

  g_regex_match (regex, message, 0, &match);
  while (g_match_info_matches (match))
    {
      g_autofree char *file = g_match_info_fetch (match, 1);

      origin = hap_origin_of_frames (origin, hap_origin_of_file (file));
      g_match_info_next (match, NULL);
    }
  return origin;
}

static gboolean
report_setting (const Session *self, gboolean enabled, gboolean previous, GError **error)
{
  g_autofree char *message = g_strdup_printf ("Setting asyncio debug to %s", enabled ? "True" : "False");
  GVariantBuilder fields;

  g_variant_builder_init (&fields, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&fields, "{sv}", "enabled", g_variant_new_boolean (enabled));
  g_variant_builder_add (&fields, "{sv}", "previous", g_variant_new_boolean (previous));
  g_variant_builder_add (&fields, "{sv}", "loops", g_variant_new_uint32 (self->n_loops));
  return hap_report_entry (self->report, message, g_variant_builder_end (&fields), error);
}

static gboolean
report_record (HapReport *report, JsonNode *value, GError **error)
{
  JsonObject *record = get_object (value);
  const char *message = json_object_get_string_member_with_default (record, "message", "");
  const HapOrigin *origin = find_origin (message);
  GVariantBuilder fields;

  g_variant_builder_init (&fields, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&fields, "{sv}", "logger", g_variant_new_string ("asyncio"));
  g_variant_builder_add (
      &fields, "{sv}", "level",
      g_variant_new_string (json_object_get_string_member_with_default (record, "level", "")));
  if (origin != NULL)
    {
      g_variant_builder_add (&fields, "{sv}", "integration", g_variant_new_string (origin->name));
      g_variant_builder_add (&fields, "{sv}", "kind",
                             g_variant_new_string (hap_origin_kind_to_string (origin->kind)));
    }
  return hap_report_entry (report, message, g_variant_builder_end (&fields), error);
}

static gboolean
summarize (const Session *self, GError **error)
{
  GVariantBuilder summary;

  g_variant_builder_init (&summary, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&summary, "{sv}", "previous", g_variant_new_boolean (self->previous));
  g_variant_builder_add (&summary, "{sv}", "loops", g_variant_new_uint32 (self->n_loops));
  g_variant_builder_add (&summary, "{sv}", "records", g_variant_new_uint32 (self->n_records));
  g_variant_builder_add (&summary, "{sv}", "dropped", g_variant_new_int64 (self->n_dropped));
  return hap_report_summarize (self->report, g_variant_builder_end (&summary), error);
}

/* The last word: the mode was put back to what it was, or somebody else has set it, who says so. */
static gboolean
take_result (Session *self, JsonNode *value, GError **error)
{
  JsonObject *result = get_object (value);

  self->phase = ENDED;
  self->n_dropped = get_int (value, "dropped");
  return result == NULL || !json_object_has_member (result, "enabled")
         || report_setting (self, get_boolean (value, "enabled"), TRUE, error);
}

/* Waits for what the snippet says next, and reports it. */
static gboolean
take_next (Session *self, double timeout, GCancellable *cancellable, GError **error)
{
  g_autoptr (JsonNode) value = NULL;
  PyRunEvent event;

  if (!py_run_next (self->run, &event, &value, timeout, cancellable, error))
    return FALSE;
  if (event == PY_RUN_RESULT)
    return take_result (self, value, error);
  if (value == NULL)
    self->phase = HANDED_OVER;
  if (get_object (value) == NULL)
    return TRUE;
  self->n_records++;
  return report_record (self->report, value, error);
}

/* Until it is time to end. */
static gboolean
follow (Session *self, double seconds, GCancellable *cancellable, GError **error)
{
  const gint64 end = g_get_monotonic_time () + (gint64)(seconds * G_USEC_PER_SEC);

  while (self->phase == ON && !g_cancellable_is_cancelled (cancellable)
         && (seconds == 0 || g_get_monotonic_time () < end))
    {
      g_autoptr (GError) local_error = NULL;
      double left = seconds == 0 ? POLL_SECONDS : (double)(end - g_get_monotonic_time ()) / G_USEC_PER_SEC;

      if (take_next (self, CLAMP (left, 0, POLL_SECONDS), cancellable, &local_error)
          || g_error_matches (local_error, HAP_ERROR, HAP_ERROR_TIMED_OUT)
          || g_error_matches (local_error, HAP_ERROR, HAP_ERROR_CANCELLED))
        continue;
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  return TRUE;
}

/* Switches it off and waits until it is; what comes meanwhile is reported, too. */
static gboolean
finish (Session *self, GError **error)
{
  py_run_let_go (self->run);
  while (self->phase != ENDED)
    if (!take_next (self, ANSWER_SECONDS, NULL, error))
      return FALSE;
  return TRUE;
}

static gboolean
asyncio_debug_set_run (HapAction *action,
                       HapTarget *target,
                       HapReport *report,
                       GCancellable *cancellable,
                       GError **error)
{
  AsyncioDebugSet *self = ASYNCIO_DEBUG_SET (action);
  g_autoptr (GBytes) snippet = g_resources_lookup_data (SNIPPET, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  g_autoptr (PyRuntime) runtime = snippet != NULL ? py_runtime_attach (target, error) : NULL;
  g_autoptr (PyRun) run = runtime != NULL ? py_run_new (target, runtime) : NULL;
  g_autoptr (JsonNode) value = NULL;
  Session session = { .run = run, .report = report };
  GVariantDict arguments;
  PyRunEvent event;

  if (run == NULL)
    return FALSE;
  g_variant_dict_init (&arguments, NULL);
  g_variant_dict_insert (&arguments, "enabled", "b", self->enabled);
  if (!py_run_start (run, g_bytes_get_data (snippet, NULL), g_variant_dict_end (&arguments), START_SECONDS,
                     cancellable, error)
      || !py_run_next (run, &event, &value, ANSWER_SECONDS, cancellable, error))
    return FALSE;

  session.previous = get_boolean (value, "previous");
  session.n_loops = (guint)CLAMP (get_int (value, "loops"), 0, G_MAXUINT32);
  if (session.n_loops == 0)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                   _ ("No event loop of asyncio runs in this process"));
      return FALSE;
    }
  if (!report_setting (&session, self->enabled, session.previous, error) || !summarize (&session, error))
    return FALSE;
  return event != PY_RUN_STAYS
         || (hap_report_progress (report, SETTLED, error)
             && follow (&session, self->seconds, cancellable, error) && finish (&session, error)
             && summarize (&session, error));
}

static void
asyncio_debug_set_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  AsyncioDebugSet *self = ASYNCIO_DEBUG_SET (object);

  if (id == PROP_ENABLED)
    g_value_set_boolean (value, self->enabled);
  else if (id == PROP_SECONDS)
    g_value_set_double (value, self->seconds);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
asyncio_debug_set_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  AsyncioDebugSet *self = ASYNCIO_DEBUG_SET (object);

  if (id == PROP_ENABLED)
    self->enabled = g_value_get_boolean (value);
  else if (id == PROP_SECONDS)
    self->seconds = g_value_get_double (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
asyncio_debug_set_class_init (AsyncioDebugSetClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  object_class->get_property = asyncio_debug_set_get_property;
  object_class->set_property = asyncio_debug_set_set_property;

  action_class->method = "SetAsyncioDebug";
  action_class->summary = N_ ("Switch the debug mode of asyncio, which says what blocks the event loop");
  action_class->authority = "modify";
  action_class->reply = HAP_REPLY_NONE;
  action_class->lasts = TRUE;
  action_class->run = asyncio_debug_set_run;

  g_object_class_install_property (
      object_class, PROP_ENABLED,
      g_param_spec_boolean ("enabled", NULL, N_ ("Whether it is to be on"), TRUE, HAP_PARAM_DATA));
  g_object_class_install_property (
      object_class, PROP_SECONDS,
      g_param_spec_double ("seconds", NULL, N_ ("When it goes off again by itself, in seconds; 0: never"), 0,
                           86400 * 7, 0, HAP_PARAM_DATA));
}

static void
asyncio_debug_set_init (AsyncioDebugSet *self)
{
}
