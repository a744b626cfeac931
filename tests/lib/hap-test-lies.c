/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a hostile target's memory may show: any word at any time, with a liking for those that lead somewhere.
 * What it is read for is the tests'.
 */

#include "hap-test-lies.h"

#include <string.h>

/* So many times as long takes it what is built with sanitizers. */
#ifndef HAP_TEST_SLOWER
#define HAP_TEST_SLOWER 1
#endif

struct _HapTestLies
{
  GObject parent_instance;

  HapMemory *source;
  GRand *rand;
  guint one_in; /* reads that lie; 0: none */
  guint n_reads, max_reads;
  guint64 last; /* a word seen before: often an address */
};

static void hap_test_lies_memory_init (HapMemoryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HapTestLies,
                               hap_test_lies,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_MEMORY, hap_test_lies_memory_init))

guint64
hap_test_lies_make (HapTestLies *self, guint64 truth)
{
  guint64 last = self->last;

  self->last = truth;
  switch (g_rand_int_range (self->rand, 0, 9))
    {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return G_MAXUINT64;
    case 3:
      return truth + 8;
    case 4:
      return truth ^ (guint64)1 << g_rand_int_range (self->rand, 0, 64);
    case 5:
      return last;
    case 6:
      return (guint64)1 << g_rand_int_range (self->rand, 0, 64);
    case 7:
      return (guint64)g_rand_int (self->rand) << 32 | g_rand_int (self->rand);
    default:
      return (guint64)g_rand_int_range (self->rand, 0, 4096);
    }
}

static gsize
hap_test_lies_read (HapMemory *memory, guint64 address, gpointer buffer, gsize size)
{
  HapTestLies *self = HAP_TEST_LIES (memory);
  gsize n = hap_memory_read_some (self->source, address, buffer, size);
  guint8 *word;
  guint64 value;

  g_assert_cmpuint (++self->n_reads, <, self->max_reads);
  if (self->one_in == 0 || n < sizeof value || g_rand_int_range (self->rand, 0, (gint)self->one_in) != 0)
    return n;
  word = (guint8 *)buffer + (gsize)g_rand_int_range (self->rand, 0, (gint)(n / sizeof value)) * sizeof value;
  memcpy (&value, word, sizeof value);
  value = hap_test_lies_make (self, value);
  memcpy (word, &value, sizeof value);
  return n;
}

static void
hap_test_lies_memory_init (HapMemoryInterface *iface)
{
  iface->read = hap_test_lies_read;
}

static void
hap_test_lies_finalize (GObject *object)
{
  HapTestLies *self = HAP_TEST_LIES (object);

  g_clear_object (&self->source);
  g_rand_free (self->rand);
  G_OBJECT_CLASS (hap_test_lies_parent_class)->finalize (object);
}

static void
hap_test_lies_class_init (HapTestLiesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hap_test_lies_finalize;
}

static void
hap_test_lies_init (HapTestLies *self)
{
}

HapTestLies *
hap_test_lies_new (guint seed, guint max_reads)
{
  HapTestLies *self = g_object_new (HAP_TYPE_TEST_LIES, NULL);

  self->rand = g_rand_new_with_seed (seed);
  self->max_reads = max_reads;
  return self;
}

void
hap_test_lies_set_source (HapTestLies *self, HapMemory *source)
{
  g_set_object (&self->source, source);
}

void
hap_test_lies_begin (HapTestLies *self, guint one_in)
{
  self->n_reads = 0;
  self->one_in = one_in;
}

guint
hap_test_lies_get_reads (HapTestLies *self)
{
  return self->n_reads;
}

guint
hap_test_get_rounds (guint otherwise)
{
  const char *given = g_getenv ("HAP_TEST_ROUNDS");

  return given != NULL ? (guint)g_ascii_strtoull (given, NULL, 10) : MAX (otherwise / HAP_TEST_SLOWER, 1);
}
