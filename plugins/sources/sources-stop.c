/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * StopLogObjectSources: all of it is the service's, which ends the job in the slot.
 */

#include <glib/gi18n.h>

#include "sources-start.h"

struct _SourcesStop
{
  HapAction parent_instance;
};

G_DEFINE_FINAL_TYPE (SourcesStop, sources_stop, HAP_TYPE_ACTION)

static void
sources_stop_class_init (SourcesStopClass *klass)
{
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  action_class->method = "StopLogObjectSources";
  action_class->summary = N_ ("End what start-log-object-sources began");
  action_class->authority = "inspect";
  action_class->reply = HAP_REPLY_NONE;
  action_class->stops = "object-logging";
}

static void
sources_stop_init (SourcesStop *self)
{
}
