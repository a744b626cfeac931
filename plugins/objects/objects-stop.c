/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * StopLogObjects: all of it is the service's, which ends the job in the slot.
 */

#include <glib/gi18n.h>

#include "objects-start.h"

struct _ObjectsStop
{
  HapAction parent_instance;
};

G_DEFINE_FINAL_TYPE (ObjectsStop, objects_stop, HAP_TYPE_ACTION)

static void
objects_stop_class_init (ObjectsStopClass *klass)
{
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  action_class->method = "StopLogObjects";
  action_class->summary = N_ ("End what start-log-objects began");
  action_class->authority = "profile";
  action_class->reply = HAP_REPLY_NONE;
  action_class->stops = "object-logging";
}

static void
objects_stop_init (ObjectsStop *self)
{
}
