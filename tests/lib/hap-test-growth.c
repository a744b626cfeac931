/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Whether what is done to a target again and again leaves anything in its memory: by the kernel's count of
 * pages, which shows what the C library gave out, too, and by the interpreter's own count of blocks, which
 * shows a single object.
 */

#include <string.h>

#include "hap-test.h"

/* The interpreter keeps up to a hundred pieces of a kind that it freed (3.14, its free lists). */
#define MAX_ROUNDS 10

typedef struct
{
  gint64 pages, blocks;
} Memory;

/* What /proc/PID/statm says of it may be wrong by some hundred pages, and counts files, too. */
static gint64
count_pages (guint pid)
{
  static const char *const fields[] = { "\nAnonymous:", "\nSwap:" };
  g_autofree char *path = g_strdup_printf ("/proc/%u/smaps_rollup", pid);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gint64 kilobytes = 0;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      const char *field = strstr (text, fields[i]);

      g_assert_nonnull (field);
      kilobytes += g_ascii_strtoll (field + strlen (fields[i]), NULL, 10);
    }
  return kilobytes / 4;
}

static Memory
measure (HapTestProcess *process)
{
  g_autofree char *blocks = NULL;

  hap_test_process_write_line (process, "blocks");
  blocks = hap_test_process_read_line (process);
  return (Memory){ .pages = count_pages (hap_test_process_get_pid (process)),
                   .blocks = g_ascii_strtoll (blocks, NULL, 10) };
}

/* By how much it has grown after @n times. */
static Memory
do_often (HapTestProcess *process, gint64 n, GFunc function, gpointer data)
{
  Memory before = measure (process);
  Memory after;

  for (gint64 i = 0; i < n; i++)
    function (process, data);
  after = measure (process);
  after.pages -= before.pages;
  after.blocks -= before.blocks;
  g_test_message ("%" G_GINT64_FORMAT " times: %" G_GINT64_FORMAT " pages and %" G_GINT64_FORMAT
                  " blocks more",
                  n, after.pages, after.blocks);
  return after;
}

/* What the interpreter and its allocators set up for good comes in the first times, and once in a while a
 * table is made anew; what each time leaves is there in each round. */
void
hap_test_assert_no_growth (HapTestProcess *process, guint n, GFunc function, gpointer data)
{
  const char *wanted = g_getenv ("HAP_TEST_RUNS");
  const gint64 times = wanted != NULL ? g_ascii_strtoll (wanted, NULL, 10) : n;
  const gint64 most = 10 + times / 100;
  Memory growth = do_often (process, times, function, data);

  for (guint i = 0; i == 0 || (i < MAX_ROUNDS && (growth.pages > most || growth.blocks > most)); i++)
    growth = do_often (process, times, function, data);
  g_assert_cmpint (growth.pages, <=, most);
  g_assert_cmpint (growth.blocks, <=, most);
}
