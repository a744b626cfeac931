/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pools of CPython's allocator, against what it says of itself. */

#include <unistd.h>

#include "hap-test.h"
#include "py-pools.h"

static void
test_used (gconstpointer data)
{
  g_autoptr (HapTestProcess) process = hap_test_spawn (data, (const char *const[]){ "pools.py", NULL });
  g_autofree char *line = hap_test_process_read_line (process);
  guint64 said = g_ascii_strtoull (line, NULL, 10);
  g_autoptr (GError) error = NULL;
  g_autoptr (HapTarget) target = hap_test_attach (hap_test_process_get_pid (process), FALSE, &error);
  g_autoptr (HapResidency) residency = NULL;
  g_autoptr (PyPools) pools = NULL;
  int fd;

  g_assert_no_error (error);
  fd = hap_broker_open_residency (hap_target_get_broker (target), &error);
  g_assert_no_error (error);
  residency = hap_residency_read (fd, &error);
  g_assert_no_error (error);
  close (fd);

  pools = py_pools_new (hap_target_get_memory (target), residency);
  g_test_message ("%" G_GUINT64_FORMAT " bytes in use, it says %" G_GUINT64_FORMAT, pools->used, said);
  /* It went on after it said so: by what a few calls need. */
  g_assert_cmpuint (pools->used, >, said * 99 / 100);
  g_assert_cmpuint (pools->used, <, said * 101 / 100);
  g_assert_cmpuint (pools->touched, >, pools->used);
  g_assert_cmpuint (pools->touched, <=, pools->addresses->len * (guint64)PY_POOL_SIZE);
  g_assert_true (py_pools_contain (pools, g_array_index (pools->addresses, guint64, 0) + 100));
  g_assert_false (py_pools_contain (pools, (gsize)&fd));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  hap_test_add ("/python/pools/used", test_used);
  return g_test_run ();
}
