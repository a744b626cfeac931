/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The errors of the service, as its D-Bus interface names them, and two of our own. */
typedef enum
{
  CLIENT_ERROR_FAILED,
  CLIENT_ERROR_INVALID_DATA,
  CLIENT_ERROR_NO_TARGET,
  CLIENT_ERROR_AMBIGUOUS_TARGET,
  CLIENT_ERROR_TARGET_GONE,
  CLIENT_ERROR_UNSUPPORTED_TARGET,
  CLIENT_ERROR_NOT_AUTHORIZED,
  CLIENT_ERROR_ALREADY_STARTED,
  CLIENT_ERROR_NOT_RUNNING,
  CLIENT_ERROR_BUSY,
  CLIENT_ERROR_TIMED_OUT,
  CLIENT_ERROR_NO_SPACE,
  CLIENT_ERROR_CANCELLED,
  CLIENT_ERROR_USAGE,       /* a command line that makes no sense */
  CLIENT_ERROR_UNREACHABLE, /* no bus, no service, or it left in the middle */
  CLIENT_N_ERRORS
} ClientError;

/* The exit statuses, as --help documents them. */
enum
{
  CLIENT_STATUS_SUCCESS = 0,
  CLIENT_STATUS_FAILED = 1,
  CLIENT_STATUS_USAGE = 2,
  CLIENT_STATUS_NOT_AUTHORIZED = 3,
  CLIENT_STATUS_TARGET = 4,
  CLIENT_STATUS_CANCELLED = 5,
  CLIENT_STATUS_UNREACHABLE = 6,
};

#define CLIENT_ERROR (client_error_quark ())
GQuark client_error_quark (void);

/* Returns: (transfer full): the error with which the service answered, or which a job ended with. */
GError *client_error_new_remote (const char *dbus_name, const char *message);

/* @error: (inout): any error, made one of ours in place; the only place where D-Bus names are looked at. */
void client_error_convert (GError **error);

int client_error_get_status (const GError *error);
const char *client_error_get_name (const GError *error);
const char *client_error_get_hint (const GError *error); /* (nullable): translated: what to do next */

G_END_DECLS
