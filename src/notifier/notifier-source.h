/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * NotifierSource: the service on one bus, which comes and goes. It is never started by being listened to.
 */
#define NOTIFIER_TYPE_SOURCE (notifier_source_get_type ())
G_DECLARE_FINAL_TYPE (NotifierSource, notifier_source, NOTIFIER, SOURCE, GObject)

/**
 * NotifierSourceFuncs: what is heard from it. Texts are as they came.
 * @hints: `a{sv}`
 * @changed: @properties, `a{sv}`, of a job have new values
 * @left: the service is gone, and with it its jobs
 */
typedef struct
{
  void (*notified) (gpointer owner,
                    NotifierSource *source,
                    const char *id,
                    const char *title,
                    const char *message,
                    GVariant *hints);
  void (*dismissed) (gpointer owner, NotifierSource *source, const char *id);
  void (*changed) (gpointer owner, NotifierSource *source, const char *job, GVariant *properties);
  void (*left) (gpointer owner, NotifierSource *source);
} NotifierSourceFuncs;

NotifierSource *notifier_source_new (GDBusConnection *bus, const NotifierSourceFuncs *funcs, gpointer owner);

/* Both may have the person asked for a password. */
void notifier_source_cancel_job (NotifierSource *self, const char *job);
void notifier_source_open_artifact (NotifierSource *self,
                                    const char *name,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer data);
GInputStream *
notifier_source_open_artifact_finish (NotifierSource *self, GAsyncResult *result, GError **error);

G_END_DECLS
