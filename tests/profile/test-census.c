/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sets of kinds, whatever their order; rows in heapy's order. */

#include "hap-census.h"

static void
count (HapCensus *census, guint32 a, guint32 b, guint32 c, guint64 bytes)
{
  guint32 kinds[] = { a, b, c };

  hap_census_count (census, kinds, G_N_ELEMENTS (kinds), bytes);
}

static void
test_sets (void)
{
  g_autoptr (HapCensus) census = hap_census_new ();
  guint32 a = hap_census_add_kind (census, "list"), b = hap_census_add_kind (census, "dict of a.B");
  g_autoptr (GArray) rows = NULL;

  count (census, a, b, a, 1);
  count (census, b, a, b, 2);
  rows = hap_census_list_rows (census);
  g_assert_cmpuint (rows->len, ==, 1);
  g_assert_cmpuint (g_array_index (rows, HapCensusRow, 0).count, ==, 2);
  g_assert_cmpuint (g_array_index (rows, HapCensusRow, 0).bytes, ==, 3);
  g_assert_cmpstr (g_array_index (rows, HapCensusRow, 0).name, ==, "dict of a.B, list");
}

static void
test_rows (void)
{
  static const struct
  {
    const char *name;
    guint64 count, bytes;
  } expected[] = { { "a.C, list", 1, 300 }, { "<Nothing>", 2, 100 }, { "a.C", 1, 100 }, { "a.C", 1, 100 } };
  g_autoptr (HapCensus) census = hap_census_new ();
  guint32 list = hap_census_add_kind (census, "list"), class = hap_census_add_kind (census, "a.C");
  guint32 namesake = hap_census_add_kind (census, "a.C");
  g_autoptr (GArray) rows = NULL;

  count (census, namesake, namesake, namesake, 100);
  count (census, class, class, class, 100);
  count (census, list, class, list, 300);
  hap_census_count (census, NULL, 0, 40);
  hap_census_count (census, NULL, 0, 60);
  rows = hap_census_list_rows (census);
  g_assert_cmpuint (rows->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < rows->len; i++)
    {
      const HapCensusRow *row = &g_array_index (rows, HapCensusRow, i);

      g_assert_cmpstr (row->name, ==, expected[i].name);
      g_assert_cmpuint (row->count, ==, expected[i].count);
      g_assert_cmpuint (row->bytes, ==, expected[i].bytes);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/profile/census/sets", test_sets);
  g_test_add_func ("/profile/census/rows", test_rows);
  return g_test_run ();
}
