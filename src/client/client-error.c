/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The errors of the command: one table from the names of the D-Bus interface to exit statuses and to what a
 * person can do next. Printing them is left to client-output.c.
 */
#include "client-error.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "client-bus.h"

G_DEFINE_QUARK (client - error - quark, client_error)

static const struct
{
  const char *name;
  int status;
  const char *hint;
} errors[] = {
  [CLIENT_ERROR_FAILED] = { "Failed", CLIENT_STATUS_FAILED, NULL },
  [CLIENT_ERROR_INVALID_DATA] = { "InvalidData", CLIENT_STATUS_USAGE, NULL },
  [CLIENT_ERROR_NO_TARGET] = { "NoTarget", CLIENT_STATUS_TARGET,
                               N_ ("“ha-profiler targets” lists the processes; choose one with --target.") },
  [CLIENT_ERROR_AMBIGUOUS_TARGET] = { "AmbiguousTarget", CLIENT_STATUS_TARGET,
                                      N_ ("Choose one with --target; “ha-profiler targets” lists them.") },
  [CLIENT_ERROR_TARGET_GONE] = { "TargetGone", CLIENT_STATUS_TARGET,
                                 N_ ("“ha-profiler targets” lists the processes that are there now.") },
  [CLIENT_ERROR_UNSUPPORTED_TARGET] = { "UnsupportedTarget", CLIENT_STATUS_TARGET,
                                        N_ ("“ha-profiler targets” tells which processes can be profiled.") },
  [CLIENT_ERROR_NOT_AUTHORIZED] = { "NotAuthorized", CLIENT_STATUS_NOT_AUTHORIZED,
                                    N_ ("Try it as root (sudo), or ask the administrator of this machine.") },
  [CLIENT_ERROR_ALREADY_STARTED] = { "AlreadyStarted", CLIENT_STATUS_FAILED,
                                     N_ ("“ha-profiler jobs” shows what runs.") },
  [CLIENT_ERROR_NOT_RUNNING] = { "NotRunning", CLIENT_STATUS_FAILED,
                                 N_ ("“ha-profiler jobs” shows what runs.") },
  [CLIENT_ERROR_BUSY] = { "Busy", CLIENT_STATUS_FAILED,
                          N_ ("“ha-profiler jobs” shows what runs; “ha-profiler cancel JOB” ends it.") },
  [CLIENT_ERROR_TIMED_OUT] = { "TimedOut", CLIENT_STATUS_FAILED, NULL },
  [CLIENT_ERROR_NO_SPACE] = { "NoSpace", CLIENT_STATUS_FAILED,
                              N_ ("“ha-profiler artifacts” lists what is kept; “ha-profiler remove NAME” "
                                  "frees it.") },
  [CLIENT_ERROR_CANCELLED] = { "Cancelled", CLIENT_STATUS_CANCELLED, NULL },
  [CLIENT_ERROR_USAGE] = { "Usage", CLIENT_STATUS_USAGE, NULL },
  [CLIENT_ERROR_UNREACHABLE] = { "Unreachable", CLIENT_STATUS_UNREACHABLE,
                                 N_ ("Is ha-profilerd installed and running? --bus chooses another bus; "
                                     "“journalctl -u ha-profilerd” tells more.") },
};

G_STATIC_ASSERT (G_N_ELEMENTS (errors) == CLIENT_N_ERRORS);

/* What the bus itself answers, or a library on the way; @message replaces their words where those help
 * nobody. */
static const struct
{
  const char *name;
  ClientError code;
  const char *message;
} bus_errors[] = {
  { "UnknownObject", CLIENT_ERROR_NOT_RUNNING,
    N_ ("There is no such job (any more), or the service does not know the method.") },
  { "UnknownMethod", CLIENT_ERROR_NOT_RUNNING,
    N_ ("There is no such job (any more), or the service does not know the method.") },
  { "AccessDenied", CLIENT_ERROR_NOT_AUTHORIZED },
  { "AuthFailed", CLIENT_ERROR_NOT_AUTHORIZED },
  { "InteractiveAuthorizationRequired", CLIENT_ERROR_NOT_AUTHORIZED },
  { "InvalidArgs", CLIENT_ERROR_INVALID_DATA },
  { "Timeout", CLIENT_ERROR_TIMED_OUT },
  { "TimedOut", CLIENT_ERROR_TIMED_OUT },
  { "LimitsExceeded", CLIENT_ERROR_BUSY },
  { "NoMemory", CLIENT_ERROR_NO_SPACE },
};

/* The answers of a bus without the service; @message replaces the bus's words, which help nobody. */
static const struct
{
  const char *name;
  const char *message;
} absences[] = {
  { "ServiceUnknown", N_ ("The service is not on this bus.") },
  { "NameHasNoOwner", N_ ("The service is not on this bus.") },
  { "NoReply", N_ ("The service left in the middle of the call.") },
  { "Disconnected", N_ ("The bus left in the middle of the call.") },
};

#define DBUS_PREFIX "org.freedesktop.DBus.Error."
#define OUR_PREFIX CLIENT_BUS_NAME ".Error."

static ClientError
find_our_code (const char *nick)
{
  for (guint i = 0; i < G_N_ELEMENTS (errors); i++)
    {
      if (g_str_equal (errors[i].name, nick))
        return i;
    }
  return CLIENT_ERROR_FAILED;
}

static GError *
new_bus_error (const char *nick, const char *message)
{
  for (guint i = 0; i < G_N_ELEMENTS (absences); i++)
    {
      if (g_str_equal (absences[i].name, nick))
        return g_error_new_literal (CLIENT_ERROR, CLIENT_ERROR_UNREACHABLE, _ (absences[i].message));
    }
  for (guint i = 0; i < G_N_ELEMENTS (bus_errors); i++)
    {
      if (g_str_equal (bus_errors[i].name, nick))
        return g_error_new_literal (CLIENT_ERROR, bus_errors[i].code,
                                    bus_errors[i].message != NULL ? _ (bus_errors[i].message) : message);
    }
  if (g_str_has_prefix (nick, "Spawn."))
    return g_error_new (CLIENT_ERROR, CLIENT_ERROR_UNREACHABLE, _ ("The bus could not start the service: %s"),
                        message);
  return g_error_new_literal (CLIENT_ERROR, CLIENT_ERROR_FAILED, message);
}

GError *
client_error_new_remote (const char *dbus_name, const char *message)
{
  if (g_str_has_prefix (dbus_name, DBUS_PREFIX))
    return new_bus_error (dbus_name + strlen (DBUS_PREFIX), message);
  if (g_str_has_prefix (dbus_name, OUR_PREFIX))
    return g_error_new_literal (CLIENT_ERROR, find_our_code (dbus_name + strlen (OUR_PREFIX)), message);
  return g_error_new_literal (CLIENT_ERROR, CLIENT_ERROR_FAILED, message);
}

static ClientError
find_local_code (const GError *error)
{
  if (error->domain == G_OPTION_ERROR)
    return CLIENT_ERROR_USAGE;
  if (error->domain != G_IO_ERROR)
    return CLIENT_ERROR_FAILED;
  switch (error->code)
    {
    case G_IO_ERROR_CANCELLED:
      return CLIENT_ERROR_CANCELLED;
    case G_IO_ERROR_CLOSED:
    case G_IO_ERROR_BROKEN_PIPE:
      return CLIENT_ERROR_UNREACHABLE;
    case G_IO_ERROR_NO_SPACE:
      return CLIENT_ERROR_NO_SPACE;
    default:
      return CLIENT_ERROR_FAILED;
    }
}

void
client_error_convert (GError **error)
{
  g_autofree char *name = NULL;
  GError *converted;

  if (error == NULL || *error == NULL || (*error)->domain == CLIENT_ERROR)
    return;
  name = g_dbus_error_get_remote_error (*error);
  if (name != NULL)
    {
      g_dbus_error_strip_remote_error (*error);
      converted = client_error_new_remote (name, (*error)->message);
    }
  else
    converted = g_error_new_literal (CLIENT_ERROR, find_local_code (*error), (*error)->message);
  g_error_free (*error);
  *error = converted;
}

int
client_error_get_status (const GError *error)
{
  g_return_val_if_fail (error->domain == CLIENT_ERROR, CLIENT_STATUS_FAILED);
  return errors[error->code].status;
}

const char *
client_error_get_name (const GError *error)
{
  g_return_val_if_fail (error->domain == CLIENT_ERROR, errors[CLIENT_ERROR_FAILED].name);
  return errors[error->code].name;
}

const char *
client_error_get_hint (const GError *error)
{
  g_return_val_if_fail (error->domain == CLIENT_ERROR, NULL);
  /* Root has no more to try. */
  if (error->code == CLIENT_ERROR_NOT_AUTHORIZED && geteuid () == 0)
    return NULL;
  return errors[error->code].hint != NULL ? _ (errors[error->code].hint) : NULL;
}
