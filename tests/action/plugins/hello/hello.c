/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A plugin as a third party would write it: two actions with a data attribute of each type, and one that is
 * not sound.
 */

#include "hap-action.h"
#include "hap-plugin.h"

typedef struct
{
  HapAction parent_instance;
  GValue values[9];
} Hello;

typedef HapActionClass HelloClass;
typedef Hello Bye;
typedef HapActionClass ByeClass;
typedef Hello Nameless;
typedef HapActionClass NamelessClass;

static GType hello_get_type (void);
static GType bye_get_type (void);
static GType nameless_get_type (void);
G_DEFINE_TYPE (Hello, hello, HAP_TYPE_ACTION)
G_DEFINE_TYPE (Bye, bye, HAP_TYPE_ACTION)
G_DEFINE_TYPE (Nameless, nameless, HAP_TYPE_ACTION)

static gboolean
run (HapAction *action, HapTarget *target, HapReport *report, GCancellable *cancellable, GError **error)
{
  return hap_report_entry (report, "Hello", NULL, error);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  Hello *self = (Hello *)object;

  if (G_VALUE_TYPE (&self->values[id]) == 0)
    g_value_init (&self->values[id], G_VALUE_TYPE (value));
  g_value_copy (value, &self->values[id]);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_copy (&((Hello *)object)->values[id], value);
}

static void
finalize (GObject *object)
{
  Hello *self = (Hello *)object;

  for (guint i = 0; i < G_N_ELEMENTS (self->values); i++)
    {
      if (G_VALUE_TYPE (&self->values[i]) != 0)
        g_value_unset (&self->values[i]);
    }
  G_OBJECT_CLASS (hello_parent_class)->finalize (object);
}

static GType
tone_get_type (void)
{
  static const GEnumValue values[] = { { 0, "TONE_KIND", "kind" },
                                       { 1, "TONE_LOUD", "loud" },
                                       { 0, NULL, NULL } };
  static GType type = 0;

  if (type == 0)
    type = g_enum_register_static ("HelloTone", values);
  return type;
}

static GType
ways_get_type (void)
{
  static const GFlagsValue values[] = { { 1, "WAYS_WAVE", "wave" },
                                        { 2, "WAYS_NOD", "nod" },
                                        { 0, NULL, NULL } };
  static GType type = 0;

  if (type == 0)
    type = g_flags_register_static ("HelloWays", values);
  return type;
}

static void
hello_class_init (HelloClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  klass->method = "Hello";
  klass->summary = "Say hello";
  klass->authority = "observe";
  klass->reply = HAP_REPLY_REPORT;
  klass->slot = "greeting";
  klass->run = run;
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;

  g_object_class_install_property (
      object_class, 1,
      g_param_spec_string ("whom", NULL, "Whom to greet", NULL, HAP_PARAM_DATA | HAP_PARAM_REQUIRED));
  g_object_class_install_property (
      object_class, 2, g_param_spec_double ("how-long", NULL, "Seconds", 0.5, 10.0, 2.0, HAP_PARAM_DATA));
  g_object_class_install_property (object_class, 3,
                                   g_param_spec_uint ("times", NULL, "Times", 1, 5, 1, HAP_PARAM_DATA));
  g_object_class_install_property (object_class, 4,
                                   g_param_spec_int ("shift", NULL, "Shift", -5, 5, 0, HAP_PARAM_DATA));
  g_object_class_install_property (
      object_class, 5, g_param_spec_boolean ("bow", NULL, "Bow", TRUE, HAP_PARAM_DATA | HAP_PARAM_SECRET));
  g_object_class_install_property (
      object_class, 6,
      g_param_spec_enum ("tone", NULL, "Tone", tone_get_type (), 0, HAP_PARAM_DATA | HAP_PARAM_INSPECT));
  g_object_class_install_property (
      object_class, 7, g_param_spec_flags ("ways", NULL, "Ways", ways_get_type (), 3, HAP_PARAM_DATA));
  g_object_class_install_property (
      object_class, 8, g_param_spec_uint64 ("big", NULL, "A big number", 0, G_MAXUINT64, 0, HAP_PARAM_DATA));
}

static void
hello_init (Hello *self)
{
}

static void
bye_class_init (ByeClass *klass)
{
  klass->method = "Bye";
  klass->summary = "End the greeting";
  klass->authority = "observe";
  klass->reply = HAP_REPLY_NONE;
  klass->stops = "greeting";
}

static void
bye_init (Bye *self)
{
}

/* Says no method: the engine leaves it out. */
static void
nameless_class_init (NamelessClass *klass)
{
  klass->run = run;
}

static void
nameless_init (Nameless *self)
{
}

HAP_DEFINE_PLUGIN (HelloPlugin,
                   hello_plugin,
                   hello_get_type (),
                   nameless_get_type (),
                   G_TYPE_OBJECT,
                   bye_get_type ())
