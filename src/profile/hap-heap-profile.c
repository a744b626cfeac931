/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A finished memory profile: the input of the page. Plain data; who fills it is the memory plugin.
 */

#include "hap-heap-profile.h"

const char *
hap_area_to_string (HapArea area)
{
  static const char *const names[] = { "python", "slack", "files", "stacks", "native" };

  g_return_val_if_fail ((guint)area < G_N_ELEMENTS (names), "native");
  return names[area];
}

static void
cell_clear (gpointer data)
{
  g_free (((HapHeapCell *)data)->type);
}

static void
type_clear (gpointer data)
{
  g_free (((HapHeapType *)data)->type);
  g_free (((HapHeapType *)data)->referrers);
}

static void
object_clear (gpointer data)
{
  g_free (((HapHeapObject *)data)->type);
  g_free (((HapHeapObject *)data)->chain);
}

static void
duplicate_clear (gpointer data)
{
  g_free (((HapHeapDuplicate *)data)->chain);
}

HapHeapProfile *
hap_heap_profile_new (void)
{
  HapHeapProfile *self = g_new0 (HapHeapProfile, 1);

  self->origins = g_array_new (FALSE, TRUE, sizeof (HapHeapOrigin));
  self->cells = g_array_new (FALSE, TRUE, sizeof (HapHeapCell));
  self->types = g_array_new (FALSE, TRUE, sizeof (HapHeapType));
  self->objects = g_array_new (FALSE, TRUE, sizeof (HapHeapObject));
  self->duplicates = g_array_new (FALSE, TRUE, sizeof (HapHeapDuplicate));
  g_array_set_clear_func (self->cells, cell_clear);
  g_array_set_clear_func (self->types, type_clear);
  g_array_set_clear_func (self->objects, object_clear);
  g_array_set_clear_func (self->duplicates, duplicate_clear);
  return self;
}

void
hap_heap_profile_free (HapHeapProfile *self)
{
  g_free (self->title);
  g_free (self->verdict);
  g_array_unref (self->origins);
  g_array_unref (self->cells);
  g_array_unref (self->types);
  g_array_unref (self->objects);
  g_array_unref (self->duplicates);
  g_free (self);
}
