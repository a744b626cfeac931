/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* How the jobs of the fake service go. */
typedef enum
{
  FAKE_JOB_FINISHES,
  FAKE_JOB_FAILS,
  FAKE_JOB_RUNS,   /* until it is cancelled */
  FAKE_JOB_LEAVES, /* the service leaves the bus after a quarter */
  FAKE_JOB_STUCK,  /* as RUNS, and answers no Cancel */
} FakeJobPlan;

/* A service with the D-Bus interface of the real one and nothing behind it; it lives in the test's own main
 * context. */
typedef struct
{
  GDBusConnection *connection;
  guint name_id;
  guint filter;

  FakeJobPlan plan;
  const char *error; /* what actions answer: the last part of an error's name, or a whole one */
  const char *error_message;
  GVariant *actions;   /* aa{sv} */
  GVariant *targets;   /* aa{sv} */
  GVariant *summary;   /* a{sv} of a job that ends */
  const char *content; /* of every artifact */

  GString *log; /* one line a call: METHOD PARAMETERS */
  const char *state;
  double progress;
  gboolean waits;       /* a job does, to be looked at */
  gboolean interactive; /* whether the last action's call let polkit ask */
  /*< private >*/
  guint objects[4]; /* what is registered, an interface each */
} FakeService;

FakeService *fake_service_new (const char *address);
void fake_service_free (FakeService *self);

/* Takes ownership of floating @value in place of *@field. */
void fake_service_set (GVariant **field, GVariant *value);

G_END_DECLS
