/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verdict: what the figures say, in words. It claims no more than the figures do.
 */

#include "memory-verdict.h"

#include <glib/gi18n.h>
#include <inttypes.h>

#include "py-heap-chain.h"

/* Growth below that is not spoken of: a process that only runs moves that much. */
#define NOTABLE (1024 * 1024)
#define MAX_ORIGINS 3

static char *
format_size (guint64 bytes)
{
  return g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
}

static const char *
name_area (HapArea area)
{
  static const char *const names[] = {
    [HAP_AREA_PYTHON] = N_ ("Python objects"),
    [HAP_AREA_SLACK] = N_ ("free, but kept by allocators"),
    [HAP_AREA_FILES] = N_ ("files (programs, libraries, shared memory)"),
    [HAP_AREA_STACKS] = N_ ("stacks of threads"),
    [HAP_AREA_NATIVE] = N_ ("native (memory of C code, not of Python)"),
  };

  return _ (names[area]);
}

static gint64
get_growth (const HapHeapProfile *profile, HapArea area)
{
  return (gint64)profile->after.bytes[area] - (gint64)profile->before.bytes[area];
}

static void
append_signed (GString *text, gint64 bytes)
{
  g_autofree char *size = format_size ((guint64)ABS (bytes));

  g_string_append_printf (text, "%s%s", bytes < 0 ? "−" : "+", size);
}

static void
append_areas (GString *text, const HapHeapProfile *profile)
{
  g_autofree char *resident = format_size (profile->after.resident);
  g_autofree char *swapped = format_size (profile->after.swapped);
  g_autofree char *unsure = format_size (profile->after.unsure);

  g_string_append_printf (text, _ ("%s are in memory: "), resident);
  for (guint area = 0; area < HAP_N_AREAS; area++)
    {
      g_autofree char *size = format_size (profile->after.bytes[area]);

      g_string_append_printf (text, "%s%s %s (", area == 0 ? "" : ", ", size, name_area (area));
      append_signed (text, get_growth (profile, area));
      g_string_append (text, ")");
    }
  g_string_append (text, ".");
  if (profile->after.unsure >= NOTABLE)
    g_string_append_printf (
        text,
        _ (" Of what is native, %s may as well be free, and kept by the allocator: Python "
           "runs without its own here (PYTHONMALLOC)."),
        unsure);
  if (profile->after.swapped > 0)
    g_string_append_printf (text, _ (" Another %s are swapped out."), swapped);
  g_string_append (text, "\n");
}

/* Whether most of what grew cannot be memory that is free. */
static gboolean
is_surely_native (const HapHeapProfile *profile)
{
  gint64 unsure = (gint64)profile->after.unsure - (gint64)profile->before.unsure;

  return unsure < get_growth (profile, HAP_AREA_NATIVE) / 2;
}

static void
append_growth (GString *text, const HapHeapProfile *profile)
{
  gint64 total = (gint64)profile->after.resident - (gint64)profile->before.resident;
  HapArea most = HAP_AREA_PYTHON;

  for (guint area = 0; area < HAP_N_AREAS; area++)
    if (get_growth (profile, area) > get_growth (profile, most))
      most = area;

  if (get_growth (profile, most) < NOTABLE)
    g_string_append_printf (text, _ ("Nothing grew by more than 1 MiB in %.1f seconds."), profile->duration);
  else if (most == HAP_AREA_NATIVE && !is_surely_native (profile))
    g_string_append (text,
                     _ ("The growth is native, or memory that is free already and that the allocator keeps: "
                        "which of them cannot be told. Python's objects do not account for it."));
  else if (most == HAP_AREA_NATIVE)
    g_string_append (text,
                     _ ("The growth is native: not a Python leak. C code took memory and did not give it "
                        "back; Python's objects do not account for it."));
  else if (most == HAP_AREA_SLACK)
    g_string_append (text,
                     _ ("The growth is memory that is free already, and that the allocators keep: no leak, "
                        "unless it goes on."));
  else if (most == HAP_AREA_FILES)
    g_string_append (text,
                     _ ("The growth is in files that were mapped or loaded: no leak of Python objects."));
  else if (most == HAP_AREA_STACKS)
    g_string_append (text, _ ("The growth is in stacks: there are more threads, or deeper ones."));
  else
    g_string_append (text, _ ("The growth is in Python objects."));
  g_string_append (text, " ");
  if (total != 0)
    {
      g_string_append (text, _ ("In all: "));
      append_signed (text, total);
      g_string_append (text, ".");
    }
  g_string_append (text, "\n");
}

static guint16
find_index (const PyHeapOwners *owners, const HapOrigin *origin)
{
  guint index = 0;

  g_ptr_array_find (owners->origins, origin, &index);
  return (guint16)index;
}

static gint
compare_new (gconstpointer a, gconstpointer b)
{
  const HapHeapCount *one = &((const HapHeapOrigin *)a)->count, *other = &((const HapHeapOrigin *)b)->count;

  return (one->new_bytes < other->new_bytes) - (one->new_bytes > other->new_bytes);
}

static void
append_origin (GString *text, const MemoryFindings *findings, const HapHeapOrigin *row)
{
  g_autofree char *size = format_size (row->count.new_bytes);
  guint32 holder = memory_tables_find_growth (findings, find_index (findings->owners, row->origin));

  g_string_append_printf (
      text, ngettext ("%s: %llu new object, %s", "%s: %llu new objects, %s", row->count.new_objects),
      row->origin != NULL ? row->origin->name : _ ("Shared by several"),
      (unsigned long long)row->count.new_objects, size);
  if (holder != PY_HEAP_NONE)
    {
      g_autofree char *chain = py_heap_describe_holders (findings->owners, findings->heap, holder);
      guint32 type = py_heap_get_object_type (findings->heap, holder);

      g_string_append_printf (text, _ ("; most of it is held by %s (%s)"), chain,
                              memory_kinds_get_type_name (findings->kinds, type));
    }
  g_string_append (text, ".\n");
}

static void
append_origins (GString *text, const MemoryFindings *findings, const HapHeapProfile *profile)
{
  g_autoptr (GArray) rows = g_array_copy (profile->origins);
  g_autofree char *size = format_size (profile->total.new_bytes);

  g_array_sort (rows, compare_new);
  g_string_append_printf (text, _ ("%llu objects (%s) were made in this time and still live.\n"),
                          (unsigned long long)profile->total.new_objects, size);
  for (guint i = 0; i < MIN (rows->len, MAX_ORIGINS); i++)
    if (g_array_index (rows, HapHeapOrigin, i).count.new_bytes > 0)
      append_origin (text, findings, &g_array_index (rows, HapHeapOrigin, i));
}

char *
memory_verdict_new (const MemoryFindings *findings, const HapHeapProfile *profile)
{
  GString *text = g_string_new (NULL);

  if (profile->after.resident > 0)
    {
      append_growth (text, profile);
      append_areas (text, profile);
    }
  append_origins (text, findings, profile);
  g_string_truncate (text, text->len - 1);
  return g_string_free (text, FALSE);
}
