/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define PROFILER_NAME "org.homeassistant.Profiler"
#define PROFILER_PATH "/org/homeassistant/Profiler"

/**
 * Fixture: a private bus with the built ha-profilerd on it, a fake worker and a fake tracer. On a system bus
 * as root, else on a session bus.
 */
typedef struct
{
  char *dir;
  char *state_dir;
  char *address;
  GSubprocess *bus;
  GSubprocess *service;
  GDBusConnection *connection;
  GPtrArray *targets; /* GSubprocess */
} Fixture;

/* @arguments: (nullable): more arguments for the service, a later one stands. FALSE: the test is skipped
 * already. */
gboolean fixture_set_up (Fixture *self, const char *const *arguments);
void fixture_tear_down (Fixture *self);

void fixture_start_service (Fixture *self, const char *const *arguments);

/* Another connection to the bus. */
GDBusConnection *fixture_connect (Fixture *self);

/* A process whose command line the fake worker takes for what it says: "python", "home-assistant",
 * "unsupported", "crash". */
guint fixture_add_target (Fixture *self, const char *kind);

/* @parameters: floating references are taken. @interface: without "org.homeassistant.", as in
 * "Profiler.Manager" */
GVariant *fixture_call (Fixture *self,
                        const char *path,
                        const char *interface,
                        const char *method,
                        GVariant *parameters,
                        GError **error);

/* Calls an action. @target: 0: none. @script: (nullable) */
GVariant *fixture_run (Fixture *self, const char *method, guint target, const char *script, GError **error);

/* Starts FakeJob and returns its path. */
char *fixture_start_job (Fixture *self, guint target, const char *script);

/* The same, with "wait" or "hang", and waits until the worker is at it. */
char *fixture_start_waiting_job (Fixture *self, guint target, const char *script);

GVariant *fixture_get (Fixture *self, const char *path, const char *property);

/* Waits until the property State of the job is @state. */
void fixture_wait_for_state (Fixture *self, const char *path, const char *state);

/* The first child process of the service that runs @program, by the end of its path; 0: there is none */
guint fixture_find_child (Fixture *self, const char *program);

/* Waits until @done. */
typedef gboolean (*FixtureDone) (gpointer data);
void fixture_wait (FixtureDone done, gpointer data);

/* Fails the test unless @error, which is cleared, is org.homeassistant.Profiler.Error.@name and its message
 * has @text in it. */
void fixture_assert_error (GError **error, const char *name, const char *text);

G_END_DECLS
