/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gunixfdlist.h>

#include "client.h"

G_BEGIN_DECLS

#define CLIENT_BUS_NAME "org.homeassistant.Profiler"
#define CLIENT_PATH "/org/homeassistant/Profiler"
#define CLIENT_ACTIONS_INTERFACE "org.homeassistant.Profiler"
#define CLIENT_MANAGER_INTERFACE "org.homeassistant.Profiler.Manager"
#define CLIENT_JOB_INTERFACE "org.homeassistant.Profiler.Job"
#define CLIENT_JOBS_PATH CLIENT_PATH "/jobs/"
#define CLIENT_PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

/* One method call: what it is called on and what it must answer. */
typedef struct
{
  const char *destination; /* NULL: the service */
  const char *path;        /* NULL: the service's object */
  const char *interface;
  const char *method;
  const char *reply; /* the type of the answer */
} ClientCall;

/**
 * client_bus_call:
 * @parameters: (nullable): a tuple; a floating reference is taken
 * @fds: (out) (optional): the descriptors of the answer
 *
 * Calls with the flag that lets polkit ask the user, for as long as that takes; connects first if need be.
 * Ctrl-C cancels it, or does what client->interrupt says. Errors are CLIENT_ERROR.
 */
GVariant *client_bus_call (Client *client,
                           const ClientCall *call,
                           GVariant *parameters,
                           GUnixFDList **fds,
                           GError **error);

/* Returns: (transfer full): a property of the service's Manager interface. */
GVariant *client_bus_get_property (Client *client, const char *name, const char *type, GError **error);

/* Returns: (transfer full): the unique bus name of the service that runs. */
char *client_bus_get_owner (Client *client, GError **error);

/* What Ctrl-C and SIGTERM do from now on, at the next turn of the main context; NULL: what they do to any
 * command, and in calls to cancel them. */
void client_bus_set_interrupt (Client *client, ClientInterruptFunc interrupt, gpointer data);

/* Runs the main context until *@done; Ctrl-C as in client_bus_call(). */
void client_bus_wait (Client *client, const gboolean *done);

G_END_DECLS
