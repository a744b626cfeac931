/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapCopiedMemory: an image and a live memory as one. Which ranges were copied, and when, is its maker's
 * matter.
 */

#include "hap-copied-memory.h"

struct _HapCopiedMemory
{
  GObject parent_instance;

  HapImage *copied;
  HapMaps *maps;
  HapMemory *live;
};

static void hap_copied_memory_memory_init (HapMemoryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HapCopiedMemory,
                               hap_copied_memory,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_MEMORY, hap_copied_memory_memory_init))

static gsize
read_mapping (HapCopiedMemory *self, guint64 address, gpointer buffer, gsize size)
{
  const HapMapping *mapping = hap_maps_find (self->maps, address);
  gsize within;

  if (mapping == NULL)
    return 0;
  within = MIN (size, mapping->end - address);
  if (mapping->writable && !mapping->shared)
    return hap_memory_read_some (HAP_MEMORY (self->copied), address, buffer, within);
  return hap_memory_read_some (self->live, address, buffer, within);
}

static gsize
hap_copied_memory_read (HapMemory *memory, guint64 address, gpointer buffer, gsize size)
{
  HapCopiedMemory *self = (HapCopiedMemory *)memory;
  gsize done = 0, n;

  do
    {
      n = read_mapping (self, address + done, (guint8 *)buffer + done, size - done);
      done += n;
    }
  while (n > 0 && done < size);
  return done;
}

static void
hap_copied_memory_memory_init (HapMemoryInterface *iface)
{
  iface->read = hap_copied_memory_read;
}

static void
hap_copied_memory_finalize (GObject *object)
{
  HapCopiedMemory *self = HAP_COPIED_MEMORY (object);

  g_clear_object (&self->copied);
  g_clear_pointer (&self->maps, hap_maps_unref);
  g_clear_object (&self->live);

  G_OBJECT_CLASS (hap_copied_memory_parent_class)->finalize (object);
}

static void
hap_copied_memory_class_init (HapCopiedMemoryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hap_copied_memory_finalize;
}

static void
hap_copied_memory_init (HapCopiedMemory *self)
{
}

HapMemory *
hap_copied_memory_new (HapImage *copied, HapMaps *maps, HapMemory *live)
{
  HapCopiedMemory *self = g_object_new (HAP_TYPE_COPIED_MEMORY, NULL);

  self->copied = g_object_ref (copied);
  self->maps = hap_maps_ref (maps);
  self->live = g_object_ref (live);
  return HAP_MEMORY (self);
}
