/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapLiveMemory: the memory of a process through an open /proc/PID/mem. The kernel ties the descriptor to the
 * address space that was there at open(): after the process called execve() or ended, it reads nothing, never
 * the new program.
 */

#include "hap-live-memory.h"

#include <unistd.h>

struct _HapLiveMemory
{
  GObject parent_instance;

  int fd;
};

static void hap_live_memory_memory_init (HapMemoryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HapLiveMemory,
                               hap_live_memory,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_MEMORY, hap_live_memory_memory_init))

static gsize
hap_live_memory_read (HapMemory *memory, guint64 address, gpointer buffer, gsize size)
{
  HapLiveMemory *self = (HapLiveMemory *)memory;
  gsize done = 0;

  /* One call in all but two cases: memory that ends, and a read beyond what the kernel takes at once (2 GiB).
   */
  while (done < size)
    {
      gssize n = pread (self->fd, (char *)buffer + done, size - done, (off_t)(address + done));

      if (n <= 0)
        break;
      done += n;
    }
  return done;
}

static void
hap_live_memory_memory_init (HapMemoryInterface *iface)
{
  iface->read = hap_live_memory_read;
}

static void
hap_live_memory_finalize (GObject *object)
{
  HapLiveMemory *self = HAP_LIVE_MEMORY (object);

  if (self->fd >= 0)
    close (self->fd);

  G_OBJECT_CLASS (hap_live_memory_parent_class)->finalize (object);
}

static void
hap_live_memory_class_init (HapLiveMemoryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hap_live_memory_finalize;
}

static void
hap_live_memory_init (HapLiveMemory *self)
{
  self->fd = -1;
}

HapMemory *
hap_live_memory_new (int fd)
{
  HapLiveMemory *self = g_object_new (HAP_TYPE_LIVE_MEMORY, NULL);

  self->fd = fd;
  return HAP_MEMORY (self);
}
