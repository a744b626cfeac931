/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Actions of every shape for the tests of the service. Nothing of them runs: the fake worker does as their
 * "script" says.
 */

#include "hap-action.h"
#include "hap-plugin.h"

typedef struct
{
  HapAction parent_instance;

  char *script;
  double seconds;
  gboolean bare, enter;
} FakeAction;

enum
{
  PROP_0,
  PROP_SCRIPT,
  PROP_SECONDS,
  PROP_BARE,
  PROP_ENTER,
};

typedef struct
{
  const char *name, *method, *authority;
  HapReply reply;
  const char *slot, *stops;
  gboolean has_seconds;
  GParamFlags bare; /* what “bare” asks for; 0: there is none */
} Shape;

static const Shape shapes[] = {
  { "FakeJob", "FakeJob", "profile", HAP_REPLY_JOB, "fake", NULL, TRUE },
  { "FakeReport", "FakeReport", "observe", HAP_REPLY_REPORT, NULL, NULL, FALSE, HAP_PARAM_INSPECT },
  { "FakeNone", "FakeNone", "modify", HAP_REPLY_NONE, NULL, NULL, FALSE },
  { "FakeDenied", "FakeDenied", "everything", HAP_REPLY_NONE, NULL, NULL, FALSE },
  { "FakeStart", "StartFakeLogging", "inspect", HAP_REPLY_JOB, "fake-logging", NULL, FALSE },
  { "FakeDump", "FakeDump", "inspect", HAP_REPLY_REPORT, NULL, NULL, FALSE, HAP_PARAM_SECRET },
  { "FakeStop", "StopFakeLogging", "inspect", HAP_REPLY_NONE, NULL, "fake-logging", FALSE },
};

static void
fake_action_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FakeAction *self = (FakeAction *)object;

  if (id == PROP_SCRIPT)
    {
      g_free (self->script);
      self->script = g_value_dup_string (value);
    }
  else if (id == PROP_BARE)
    self->bare = g_value_get_boolean (value);
  else if (id == PROP_ENTER)
    self->enter = g_value_get_boolean (value);
  else
    self->seconds = g_value_get_double (value);
}

static void
fake_action_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FakeAction *self = (FakeAction *)object;

  if (id == PROP_SCRIPT)
    g_value_set_string (value, self->script);
  else if (id == PROP_BARE)
    g_value_set_boolean (value, self->bare);
  else if (id == PROP_ENTER)
    g_value_set_boolean (value, self->enter);
  else
    g_value_set_double (value, self->seconds);
}

static void
fake_action_finalize (GObject *object)
{
  GObjectClass *parent_class = g_type_class_peek (HAP_TYPE_ACTION);

  g_free (((FakeAction *)object)->script);
  parent_class->finalize (object);
}

static gboolean
fake_action_run (HapAction *self,
                 HapTarget *target,
                 HapReport *report,
                 GCancellable *cancellable,
                 GError **error)
{
  g_return_val_if_reached (TRUE);
}

static void
fake_action_class_init (gpointer klass, gpointer data)
{
  const Shape *shape = data;
  GObjectClass *object_class = klass;
  HapActionClass *action_class = klass;

  object_class->set_property = fake_action_set_property;
  object_class->get_property = fake_action_get_property;
  object_class->finalize = fake_action_finalize;
  action_class->method = shape->method;
  action_class->summary = "Does as its script says & <nothing> else";
  action_class->authority = shape->authority;
  action_class->reply = shape->reply;
  action_class->slot = shape->slot;
  action_class->stops = shape->stops;
  action_class->run = fake_action_run;
  if (shape->stops == NULL)
    g_object_class_install_property (
        object_class, PROP_SCRIPT,
        g_param_spec_string ("script", NULL, "What the fake worker does", "succeed", HAP_PARAM_DATA));
  if (shape->bare != 0)
    g_object_class_install_property (
        object_class, PROP_BARE,
        g_param_spec_boolean ("bare", NULL, "With what is kept back", FALSE, HAP_PARAM_DATA | shape->bare));
  if (!shape->has_seconds)
    return;
  g_object_class_install_property (
      object_class, PROP_SECONDS,
      g_param_spec_double ("seconds", NULL, "How long it would take", 0.5, 3600, 60, HAP_PARAM_DATA));
  g_object_class_install_property (object_class, PROP_ENTER,
                                   g_param_spec_boolean ("enter", NULL, "As what changes the target", FALSE,
                                                         HAP_PARAM_DATA | HAP_PARAM_MODIFY));
}

static GType
register_shape (const Shape *shape)
{
  const GTypeInfo info = { .class_size = sizeof (HapActionClass),
                           .class_init = fake_action_class_init,
                           .class_data = shape,
                           .instance_size = sizeof (FakeAction) };
  GType type = g_type_from_name (shape->name);

  return type != G_TYPE_INVALID ? type : g_type_register_static (HAP_TYPE_ACTION, shape->name, &info, 0);
}

G_STATIC_ASSERT (G_N_ELEMENTS (shapes) == 7);
HAP_DEFINE_PLUGIN (FakePlugin,
                   fake_plugin,
                   register_shape (&shapes[0]),
                   register_shape (&shapes[1]),
                   register_shape (&shapes[2]),
                   register_shape (&shapes[3]),
                   register_shape (&shapes[4]),
                   register_shape (&shapes[5]),
                   register_shape (&shapes[6]))
