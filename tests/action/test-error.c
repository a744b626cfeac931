/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The error table: each code crosses D-Bus unchanged, and foreign errors become ours.
 */

#include <errno.h>

#include "hap-error.h"

static void
test_round_trip (void)
{
  for (guint code = 0; code < HAP_N_ERRORS; code++)
    {
      g_autoptr (GError) sent = g_error_new (HAP_ERROR, code, "what went wrong");
      g_autofree char *name = g_dbus_error_encode_gerror (sent);
      g_autoptr (GError) received = g_dbus_error_new_for_dbus_error (name, "what went wrong");

      g_assert_cmpstr (name, ==, hap_error_get_dbus_name (code));
      g_assert_true (g_str_has_prefix (name, "org.homeassistant.Profiler.Error."));
      hap_error_convert (&received);
      g_assert_error (received, HAP_ERROR, (gint)code);
      g_assert_cmpstr (received->message, ==, "what went wrong");
    }
}

static void
test_convert (void)
{
  static const struct
  {
    GIOErrorEnum from;
    HapError to;
  } cases[] = {
    { G_IO_ERROR_NO_SPACE, HAP_ERROR_NO_SPACE },   { G_IO_ERROR_CANCELLED, HAP_ERROR_CANCELLED },
    { G_IO_ERROR_TIMED_OUT, HAP_ERROR_TIMED_OUT }, { G_IO_ERROR_PERMISSION_DENIED, HAP_ERROR_NOT_AUTHORIZED },
    { G_IO_ERROR_BROKEN_PIPE, HAP_ERROR_FAILED },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = g_error_new (G_IO_ERROR, cases[i].from, "text");

      hap_error_convert (&error);
      g_assert_error (error, HAP_ERROR, (gint)cases[i].to);
      g_assert_cmpstr (error->message, ==, "text");
    }
}

static void
test_convert_unknown_peer (void)
{
  g_autoptr (GError) error = g_dbus_error_new_for_dbus_error ("com.example.Odd", "odd");

  hap_error_convert (&error);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "odd");
}

static void
test_errno (void)
{
  g_assert_cmpint (hap_error_code_for_errno (ENOSPC), ==, HAP_ERROR_NO_SPACE);
  g_assert_cmpint (hap_error_code_for_errno (EFBIG), ==, HAP_ERROR_NO_SPACE);
  g_assert_cmpint (hap_error_code_for_errno (ESRCH), ==, HAP_ERROR_TARGET_GONE);
  g_assert_cmpint (hap_error_code_for_errno (EPERM), ==, HAP_ERROR_NOT_AUTHORIZED);
  g_assert_cmpint (hap_error_code_for_errno (EIO), ==, HAP_ERROR_FAILED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/action/error/round-trip", test_round_trip);
  g_test_add_func ("/action/error/convert", test_convert);
  g_test_add_func ("/action/error/convert-unknown-peer", test_convert_unknown_peer);
  g_test_add_func ("/action/error/errno", test_errno);
  return g_test_run ();
}
