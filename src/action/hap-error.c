/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The error domain: one table of codes and their D-Bus names, and the one conversion of foreign errors into
 * it.
 */

#include "hap-error.h"

#include <errno.h>

#define PREFIX "org.homeassistant.Profiler.Error."

static const GDBusErrorEntry entries[] = {
  { HAP_ERROR_FAILED, PREFIX "Failed" },
  { HAP_ERROR_INVALID_DATA, PREFIX "InvalidData" },
  { HAP_ERROR_NO_TARGET, PREFIX "NoTarget" },
  { HAP_ERROR_AMBIGUOUS_TARGET, PREFIX "AmbiguousTarget" },
  { HAP_ERROR_TARGET_GONE, PREFIX "TargetGone" },
  { HAP_ERROR_UNSUPPORTED_TARGET, PREFIX "UnsupportedTarget" },
  { HAP_ERROR_NOT_AUTHORIZED, PREFIX "NotAuthorized" },
  { HAP_ERROR_ALREADY_STARTED, PREFIX "AlreadyStarted" },
  { HAP_ERROR_NOT_RUNNING, PREFIX "NotRunning" },
  { HAP_ERROR_BUSY, PREFIX "Busy" },
  { HAP_ERROR_TIMED_OUT, PREFIX "TimedOut" },
  { HAP_ERROR_NO_SPACE, PREFIX "NoSpace" },
  { HAP_ERROR_CANCELLED, PREFIX "Cancelled" },
};

G_STATIC_ASSERT (G_N_ELEMENTS (entries) == HAP_N_ERRORS);

GQuark
hap_error_quark (void)
{
  static gsize quark = 0;

  g_dbus_error_register_error_domain ("hap-error-quark", &quark, entries, G_N_ELEMENTS (entries));
  return (GQuark)quark;
}

const char *
hap_error_get_dbus_name (HapError code)
{
  g_return_val_if_fail ((guint)code < HAP_N_ERRORS, NULL);
  return entries[code].dbus_error_name;
}

static HapError
code_for_io_error (gint code)
{
  switch (code)
    {
    case G_IO_ERROR_CANCELLED:
      return HAP_ERROR_CANCELLED;
    case G_IO_ERROR_NO_SPACE:
      return HAP_ERROR_NO_SPACE;
    case G_IO_ERROR_TIMED_OUT:
      return HAP_ERROR_TIMED_OUT;
    case G_IO_ERROR_PERMISSION_DENIED:
      return HAP_ERROR_NOT_AUTHORIZED;
    case G_IO_ERROR_INVALID_ARGUMENT:
    case G_IO_ERROR_INVALID_DATA:
      return HAP_ERROR_INVALID_DATA;
    default:
      return HAP_ERROR_FAILED;
    }
}

static HapError
code_for_dbus_error (gint code)
{
  switch (code)
    {
    case G_DBUS_ERROR_ACCESS_DENIED:
    case G_DBUS_ERROR_AUTH_FAILED:
      return HAP_ERROR_NOT_AUTHORIZED;
    case G_DBUS_ERROR_INVALID_ARGS:
    case G_DBUS_ERROR_INVALID_SIGNATURE:
      return HAP_ERROR_INVALID_DATA;
    case G_DBUS_ERROR_TIMEOUT:
    case G_DBUS_ERROR_TIMED_OUT:
    case G_DBUS_ERROR_NO_REPLY:
      return HAP_ERROR_TIMED_OUT;
    default:
      return HAP_ERROR_FAILED;
    }
}

HapError
hap_error_code_for_errno (int saved_errno)
{
  switch (saved_errno)
    {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return HAP_ERROR_NO_SPACE;
    case ESRCH:
      return HAP_ERROR_TARGET_GONE;
    case EACCES:
    case EPERM:
      return HAP_ERROR_NOT_AUTHORIZED;
    case EBUSY:
      return HAP_ERROR_BUSY;
    case ETIMEDOUT:
      return HAP_ERROR_TIMED_OUT;
    default:
      return HAP_ERROR_FAILED;
    }
}

void
hap_error_convert (GError **error)
{
  HapError code = HAP_ERROR_FAILED;
  GError *ours;

  if (error == NULL || *error == NULL)
    return;

  /* A peer's error carries the name of its D-Bus error in front of its text; ours already have their code. */
  g_dbus_error_strip_remote_error (*error);
  if ((*error)->domain == HAP_ERROR)
    return;

  if ((*error)->domain == G_IO_ERROR)
    code = code_for_io_error ((*error)->code);
  else if ((*error)->domain == G_DBUS_ERROR)
    code = code_for_dbus_error ((*error)->code);
  else if ((*error)->domain == G_FILE_ERROR && (*error)->code == G_FILE_ERROR_NOSPC)
    code = HAP_ERROR_NO_SPACE;

  ours = g_error_new_literal (HAP_ERROR, code, (*error)->message);
  g_error_free (*error);
  *error = ours;
}
