/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * HapError:
 *
 * The one error domain of the project. Every code is registered with GDBus as
 * `org.homeassistant.Profiler.Error.<Nick>`, so that it crosses the bus unchanged. A message says what was
 * wrong and what to do next.
 */
typedef enum
{
  HAP_ERROR_FAILED,
  HAP_ERROR_INVALID_DATA,
  HAP_ERROR_NO_TARGET,
  HAP_ERROR_AMBIGUOUS_TARGET,
  HAP_ERROR_TARGET_GONE,
  HAP_ERROR_UNSUPPORTED_TARGET,
  HAP_ERROR_NOT_AUTHORIZED,
  HAP_ERROR_ALREADY_STARTED,
  HAP_ERROR_NOT_RUNNING,
  HAP_ERROR_BUSY,
  HAP_ERROR_TIMED_OUT,
  HAP_ERROR_NO_SPACE,
  HAP_ERROR_CANCELLED,
} HapError;

#define HAP_N_ERRORS (HAP_ERROR_CANCELLED + 1)

#define HAP_ERROR (hap_error_quark ())
GQuark hap_error_quark (void);

/* The D-Bus name of @code: a static string. */
const char *hap_error_get_dbus_name (HapError code);

/* The code for an errno: ENOSPC, EDQUOT, EFBIG: NO_SPACE; ESRCH: TARGET_GONE; EPERM, EACCES: NOT_AUTHORIZED;
 * ... else FAILED. */
HapError hap_error_code_for_errno (int saved_errno);

/**
 * hap_error_convert:
 * @error: (inout): any error, replaced in place
 *
 * The only place where a foreign error (GIO's, GDBus's) becomes one of ours. Errors that are ours already
 * stay; a cancellation becomes CANCELLED, anything unknown FAILED. The message is kept, without GDBus's
 * "GDBus.Error:" prefix.
 */
void hap_error_convert (GError **error);

G_END_DECLS
