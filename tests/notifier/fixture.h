/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PROFILER "org.homeassistant.Profiler"
#define PROFILER_PATH "/org/homeassistant/Profiler"
#define JOB PROFILER_PATH "/jobs/7"
#define DAEMON "org.freedesktop.Notifications"
#define DAEMON_PATH "/org/freedesktop/Notifications"

typedef struct
{
  char *dir; /* the agent's home */
  GTestDBus *bus;
  GDBusConnection *service;
  GDBusConnection *daemon;
  GSubprocess *agent;
  GPtrArray *shown; /* of GVariant: the parameters of Notify */
  GArray *closed;   /* of guint32 */
  guint32 last_id;
  guint n_subscribed;
  guint n_cancelled;
  gboolean gone; /* no artifact is there any more */
} Fixture;

/* A condition of wait_for() */
typedef gboolean (*Condition) (Fixture *fixture, gconstpointer data);

/* @data: NULL, "without" a daemon, or with a "full" home: a small one, where one can be mounted */
void fixture_set_up (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);

void fixture_wait_for (Fixture *fixture, Condition condition, gconstpointer data);
GSubprocess *fixture_start_agent (Fixture *fixture);
void fixture_start_daemon (Fixture *fixture);
void fixture_stop_daemon (Fixture *fixture);
void fixture_stop_service (Fixture *fixture);
gboolean fixture_has_small_home (Fixture *fixture);

G_END_DECLS
