/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * DumpLogObjects: has copies of the target say what its objects say of themselves, one copy after the other
 * where an object ends or blocks one. What is said is objects-dump.py's, how it is told objects-listing.c's.
 */

#include "objects-dump.h"

#include <glib/gi18n.h>
#include <string.h>

#include "hap-target.h"
#include "objects-listing.h"
#include "py-fork.h"

#define SNIPPET "/org/homeassistant/Profiler/plugins/objects/objects-dump.py"
#define NOTIFICATION "profile_object_dump"

#define MAX_TYPE 1000

/* Until the target's main thread comes by; until a copy has found the objects; until an object has said what
 * it says; until it is all over, which is before the copies end. */
#define START_SECONDS 15.0
#define FIND_SECONDS 20.0
#define OBJECT_SECONDS 2.0
#define ALL_SECONDS 50

/* Copies that come to nothing: a thread that is not in the copy may have left a lock of the C library taken.
 */
#define MAX_MOMENTS 3

/* Objects that end or block a copy. */
#define MAX_LOST 20

#define BLOCKED "its repr() did not return within 2 seconds"
#define ENDED "its repr() ended the process"

struct _ObjectsDump
{
  HapAction parent_instance;

  char *type;
  guint limit, length;
  gboolean unredacted;
};

G_DEFINE_FINAL_TYPE (ObjectsDump, objects_dump, HAP_TYPE_ACTION)

enum
{
  PROP_0,
  PROP_TYPE,
  PROP_LIMIT,
  PROP_LENGTH,
  PROP_UNREDACTED,
};

typedef struct
{
  ObjectsListing listing;
  PyFork *fork;
  GCancellable *cancellable;
  gint64 deadline;
  guint n_lost;
} Dump;

/* What a copy says is the target's, and of any shape. */
static JsonObject *
get_object (JsonNode *value)
{
  return value != NULL && JSON_NODE_HOLDS_OBJECT (value) ? json_node_get_object (value) : NULL;
}

/* (nullable) */
static const char *
get_text (JsonNode *value, const char *key)
{
  JsonObject *object = get_object (value);

  return object != NULL ? json_object_get_string_member_with_default (object, key, NULL) : NULL;
}

static guint64
get_number (JsonNode *value, const char *key)
{
  JsonObject *object = get_object (value);

  return object != NULL ? (guint64)MAX (json_object_get_int_member_with_default (object, key, 0), 0) : 0;
}

static gboolean
add (Dump *self, JsonNode *value, GOutputStream *stream, GError **error)
{
  const char *class_text = get_text (value, "class");
  const ObjectsItem item = {
    .text = get_text (value, "text"),
    .class_text = class_text != NULL ? class_text : "<class '?'>",
    .module = get_text (value, "module"),
    .cut = get_number (value, "cut"),
  };

  return objects_listing_add (&self->listing, &item, stream, error);
}

/* Has a copy begin behind the objects that are listed. FALSE without @error: it did not get so far. */
static gboolean
begin (Dump *self, JsonNode **head, GError **error)
{
  PyForkEvent event;

  return py_fork_run (self->fork, (guint)self->listing.n_listed, error)
         && py_fork_next (self->fork, &event, head, FIND_SECONDS, self->cancellable, error)
         && event == PY_FORK_ITEM;
}

/* The object that the last copy was at is lost, and another goes on. FALSE without @error: it is enough. */
static gboolean
go_on (Dump *self, const char *why, GOutputStream *stream, GError **error)
{
  g_autoptr (JsonNode) head = NULL;
  const char *class_text;
  ObjectsItem item = { .failed = why };

  self->listing.n_listed++;
  if (!begin (self, &head, error))
    {
      self->listing.n_listed--;
      return FALSE;
    }
  self->listing.n_listed--;
  class_text = get_text (head, "before");
  item.class_text = class_text != NULL ? class_text : "<class '?'>";
  return objects_listing_add (&self->listing, &item, stream, error) && ++self->n_lost < MAX_LOST;
}

/* FALSE without @error: that was all, or all that is to be had. */
static gboolean
take_next (Dump *self, GOutputStream *stream, GError **error)
{
  g_autoptr (JsonNode) value = NULL;
  PyForkEvent event;

  if (self->listing.n_listed >= self->listing.n_objects || g_get_monotonic_time () > self->deadline
      || !py_fork_next (self->fork, &event, &value, OBJECT_SECONDS, self->cancellable, error))
    return FALSE;
  switch (event)
    {
    case PY_FORK_ITEM:
      return add (self, value, stream, error);
    case PY_FORK_ENDED:
      return go_on (self, ENDED, stream, error);
    case PY_FORK_BLOCKED:
      return go_on (self, BLOCKED, stream, error);
    default:
      return FALSE;
    }
}

/* A HapArtifactFunc. */
static gboolean
write_list (GOutputStream *stream, gpointer data, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  while (take_next (data, stream, &local_error))
    continue;
  if (local_error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static GVariant *
make_arguments (ObjectsDump *self)
{
  GVariantDict arguments;

  g_variant_dict_init (&arguments, NULL);
  g_variant_dict_insert (&arguments, "type", "s", self->type);
  g_variant_dict_insert (&arguments, "length", "u", self->length);
  g_variant_dict_insert (&arguments, "unredacted", "b", self->unredacted);
  return g_variant_dict_end (&arguments);
}

/* Up to where a copy knows how many objects there are. FALSE without @error: it came to nothing. */
static gboolean
open_copy (ObjectsDump *self, Dump *dump, HapTarget *target, PyRuntime *runtime, GError **error)
{
  g_autoptr (GBytes) snippet = g_resources_lookup_data (SNIPPET, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  g_autoptr (JsonNode) head = NULL;

  g_clear_pointer (&dump->fork, py_fork_free);
  if (snippet == NULL)
    return FALSE;
  dump->fork = py_fork_new (target, runtime, g_bytes_get_data (snippet, NULL), make_arguments (self),
                            START_SECONDS, dump->cancellable, error);
  dump->deadline = g_get_monotonic_time () + ALL_SECONDS * G_USEC_PER_SEC;
  if (dump->fork == NULL || !begin (dump, &head, error))
    return FALSE;
  dump->listing.n_objects = get_number (head, "total");
  return TRUE;
}

static gboolean
find (ObjectsDump *self, Dump *dump, HapTarget *target, PyRuntime *runtime, GError **error)
{
  for (guint i = 0; i < MAX_MOMENTS; i++)
    {
      g_autoptr (GError) local_error = NULL;

      if (open_copy (self, dump, target, runtime, &local_error))
        return TRUE;
      if (local_error == NULL)
        continue;
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  g_set_error (
      error, HAP_ERROR, HAP_ERROR_FAILED,
      _ ("The copies of the target ended or stood still before they had found its objects. Try again"));
  return FALSE;
}

static gboolean
tell (Dump *self, HapReport *report, GError **error)
{
  g_autofree char *name =
      g_strdup_printf ("object_dump.%" G_GINT64_FORMAT ".txt", hap_report_get_start_time (report));
  g_autofree char *message = NULL;

  if (self->listing.n_objects > 0
      && (!hap_report_write_artifact (report, name, "text/plain", _ ("Objects in memory"), write_list, self,
                                      NULL, error)
          || !objects_listing_close (&self->listing, name, error)))
    return FALSE;
  /* The texts are Home Assistant's own. */
  message = g_strdup_printf (
      "Objects with type %s have been dumped to the log. See [the logs](/config/logs) to review "
      "the repr of the objects.",
      self->listing.type);
  return hap_report_notify (report, NOTIFICATION, "Object dump completed", message, error);
}

static gboolean
objects_dump_run (HapAction *action,
                  HapTarget *target,
                  HapReport *report,
                  GCancellable *cancellable,
                  GError **error)
{
  ObjectsDump *self = OBJECTS_DUMP (action);
  g_autoptr (PyRuntime) runtime = NULL;
  Dump dump = {
    .listing = { .report = report, .type = self->type, .limit = self->limit, .unredacted = self->unredacted },
    .cancellable = cancellable,
  };
  gboolean ok;

  if (*self->type == '\0' || strlen (self->type) > MAX_TYPE)
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA,
                   _ ("type: the name of a type, or module.name, of at most %d bytes is wanted"), MAX_TYPE);
      return FALSE;
    }
  runtime = py_runtime_attach (target, error);
  ok = runtime != NULL && find (self, &dump, target, runtime, error) && tell (&dump, report, error);
  g_clear_pointer (&dump.fork, py_fork_free);
  return ok;
}

static void
objects_dump_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ObjectsDump *self = OBJECTS_DUMP (object);

  if (id == PROP_TYPE)
    g_value_set_string (value, self->type);
  else if (id == PROP_LIMIT)
    g_value_set_uint (value, self->limit);
  else if (id == PROP_LENGTH)
    g_value_set_uint (value, self->length);
  else if (id == PROP_UNREDACTED)
    g_value_set_boolean (value, self->unredacted);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
objects_dump_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ObjectsDump *self = OBJECTS_DUMP (object);

  if (id == PROP_TYPE)
    {
      g_free (self->type);
      self->type = g_value_dup_string (value);
    }
  else if (id == PROP_LIMIT)
    self->limit = g_value_get_uint (value);
  else if (id == PROP_LENGTH)
    self->length = g_value_get_uint (value);
  else if (id == PROP_UNREDACTED)
    self->unredacted = g_value_get_boolean (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
objects_dump_finalize (GObject *object)
{
  g_free (OBJECTS_DUMP (object)->type);
  G_OBJECT_CLASS (objects_dump_parent_class)->finalize (object);
}

static void
objects_dump_class_init (ObjectsDumpClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  object_class->get_property = objects_dump_get_property;
  object_class->set_property = objects_dump_set_property;
  object_class->finalize = objects_dump_finalize;

  action_class->method = "DumpLogObjects";
  action_class->summary = _ ("Log what each object of a type says of itself");
  action_class->authority = "inspect";
  action_class->reply = HAP_REPLY_REPORT;
  action_class->enters = TRUE;
  action_class->run = objects_dump_run;

  g_object_class_install_property (
      object_class, PROP_TYPE,
      g_param_spec_string ("type", NULL, _ ("The type of object to dump: its name, or module.name"), NULL,
                           HAP_PARAM_DATA | HAP_PARAM_REQUIRED));
  g_object_class_install_property (
      object_class, PROP_LIMIT,
      g_param_spec_uint ("limit", NULL, _ ("How many objects are logged; the file has them all"), 0, 100000,
                         1000, HAP_PARAM_DATA));
  g_object_class_install_property (object_class, PROP_LENGTH,
                                   g_param_spec_uint ("length", NULL,
                                                      _ ("How many characters of an object's text are kept"),
                                                      20, 100000, 1000, HAP_PARAM_DATA));
  g_object_class_install_property (object_class, PROP_UNREDACTED,
                                   g_param_spec_boolean ("unredacted", NULL,
                                                         _ ("Whether passwords, tokens and keys are shown"),
                                                         FALSE, HAP_PARAM_DATA | HAP_PARAM_SECRET));
}

static void
objects_dump_init (ObjectsDump *self)
{
}
