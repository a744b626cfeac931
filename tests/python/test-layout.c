/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which table serves which version, and debug offsets that do not agree with it.
 */

#include <string.h>

#include "hap-error.h"
#include "py-layout.h"

#define FIRST_WORD 24 /* after the cookie, the version and the build */

static void
test_find (void)
{
  static const struct
  {
    guint32 version;
    gboolean free_threaded, known;
  } cases[] = {
    { 0x030aff00, FALSE, FALSE }, { 0x030b00c1, FALSE, FALSE }, { 0x030b00f0, FALSE, TRUE },
    { 0x030b0ef0, FALSE, TRUE },  { 0x030c03f0, FALSE, TRUE },  { 0x030c03f0, TRUE, FALSE },
    { 0x030d12f0, FALSE, TRUE },  { 0x030d05f0, TRUE, TRUE },   { 0x030e04f0, TRUE, TRUE },
    { 0x030f02f0, FALSE, TRUE },  { 0x031000f0, FALSE, FALSE }, { 0, FALSE, FALSE },
    { G_MAXUINT32, TRUE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const PyLayout *layout = py_layout_find (cases[i].version, cases[i].free_threaded);

      g_assert_cmpint (layout != NULL, ==, cases[i].known);
      if (layout != NULL)
        g_assert_cmpint (layout->free_threaded, ==, cases[i].free_threaded);
    }
}

static void
put_word (guint8 *bytes, guint index, guint64 value)
{
  memcpy (bytes + FIRST_WORD + index * sizeof value, &value, sizeof value);
}

static void
test_identify (void)
{
  guint8 bytes[PY_DEBUG_OFFSETS_SIZE] = PY_DEBUG_OFFSETS_COOKIE;
  guint32 version = 1;
  gboolean free_threaded = FALSE;

  bytes[8] = 0xf0;
  bytes[11] = 3;
  bytes[10] = 14;
  bytes[16] = 1;
  g_assert_true (py_debug_offsets_identify (bytes, &version, &free_threaded));
  g_assert_cmpuint (version, ==, 0x030e00f0);
  g_assert_true (free_threaded);

  bytes[16] = 2;
  g_assert_false (py_debug_offsets_identify (bytes, &version, &free_threaded));
  bytes[16] = 0;
  bytes[12] = 1;
  g_assert_false (py_debug_offsets_identify (bytes, &version, &free_threaded));
  bytes[12] = 0;
  bytes[0] = 'X';
  g_assert_false (py_debug_offsets_identify (bytes, &version, &free_threaded));
  g_assert_cmpuint (version, ==, 0x030e00f0);
}

/* The beginning of what a 3.13 says: the sizes, then the offsets of its runtime and interpreter state. */
static void
fill_moving (guint8 *bytes, const PyLayout *layout)
{
  const guint64 words[] = {
    283408,
    layout->runtime_finalizing,
    layout->runtime_interpreters, /* runtime */
    194984,
    layout->interp_id,
    layout->interp_next,
    layout->interp_threads,
    7400,
    layout->interp_modules,
    7640,
    7648,
    layout->interp_gil,
  };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    put_word (bytes, i, words[i]);
}

static void
test_disagreement (void)
{
  const PyLayout *known = py_layout_find (0x030d00f0, FALSE);
  guint8 bytes[PY_DEBUG_OFFSETS_SIZE] = { 0 };
  PyLayout layout = *known;
  g_autoptr (GError) error = NULL;

  /* All fields but the moving ones are given as 0. */
  fill_moving (bytes, known);
  g_assert_false (py_layout_apply_debug_offsets (&layout, bytes, &error));
  g_assert_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET);
  g_assert_nonnull (strstr (error->message, "tstate_next"));
  g_assert_cmpmem (&layout, sizeof layout, known, sizeof *known);
}

static void
test_bounds (void)
{
  const PyLayout *known = py_layout_find (0x030d00f0, FALSE);
  static const guint64 wrong[] = { 283408, G_MAXUINT32, G_MAXUINT64 };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      guint8 bytes[PY_DEBUG_OFFSETS_SIZE] = { 0 };
      PyLayout layout = *known;
      g_autoptr (GError) error = NULL;

      fill_moving (bytes, known);
      put_word (bytes, 2, wrong[i]);
      g_assert_false (py_layout_apply_debug_offsets (&layout, bytes, &error));
      g_assert_nonnull (strstr (error->message, "runtime_interpreters"));
    }
}

/* Before 3.13 there are none to apply. */
static void
test_without (void)
{
  const PyLayout *known = py_layout_find (0x030b00f0, FALSE);
  guint8 bytes[PY_DEBUG_OFFSETS_SIZE] = { 0 };
  PyLayout layout = *known;
  g_autoptr (GError) error = NULL;

  g_assert_true (py_layout_apply_debug_offsets (&layout, bytes, &error));
  g_assert_no_error (error);
  g_assert_cmpmem (&layout, sizeof layout, known, sizeof *known);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/python/layout/find", test_find);
  g_test_add_func ("/python/layout/identify", test_identify);
  g_test_add_func ("/python/layout/disagreement", test_disagreement);
  g_test_add_func ("/python/layout/bounds", test_bounds);
  g_test_add_func ("/python/layout/without-debug-offsets", test_without);
  return g_test_run ();
}
