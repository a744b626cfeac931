/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PyHeapMemory: a window of bounded size onto a target's memory of any size. Reading a field costs a look
 * into two tables; a system call is made for a page or a run of pages only. What the bytes mean is others' to
 * know.
 */

#include "py-heap-memory.h"

#include <sys/mman.h>

#define MAX_PAGES (16 * 1024 * 1024) /* 64 GiB of readable memory; more is left out */
#define MAX_RUN 32                   /* pages that are read at once */
#define MIN_RUN 2                    /* misses in order before that */
#define UNREADABLE G_MAXUINT32

static void py_heap_memory_memory_init (HapMemoryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PyHeapMemory,
                               py_heap_memory,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_MEMORY, py_heap_memory_memory_init))

static const PyHeapRegion *
find_region (PyHeapMemory *self, guint64 address)
{
  guint low = 0, high = self->n_regions;

  if (address >= self->last->start && address < self->last->end)
    return self->last;
  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (address < self->regions[middle].start)
        high = middle;
      else if (address >= self->regions[middle].end)
        low = middle + 1;
      else
        return self->last = &self->regions[middle];
    }
  return NULL;
}

guint32
py_heap_memory_find_page (PyHeapMemory *self, guint64 address)
{
  const PyHeapRegion *region = find_region (self, address);

  return region != NULL ? region->first_page + (address - region->start) / PY_HEAP_PAGE : PY_HEAP_NO_PAGE;
}

void
py_heap_memory_forget (PyHeapMemory *self)
{
  for (guint32 i = 0; i < self->n_window; i++)
    if (self->owners[i] != PY_HEAP_NO_PAGE)
      {
        self->frames[self->owners[i]] = 0;
        self->owners[i] = PY_HEAP_NO_PAGE;
      }
  self->next_place = 0;
  madvise (self->window, (gsize)self->n_window * PY_HEAP_PAGE, MADV_DONTNEED);
}

/* How many pages to read from @page on: more than one once reading goes on in order. */
static guint32
choose_run (PyHeapMemory *self, const PyHeapRegion *region, guint32 page)
{
  guint32 left = (region->end - region->start) / PY_HEAP_PAGE - (page - region->first_page);
  guint32 n = 1;

  self->run = page == self->last_miss + 1 ? self->run + 1 : 0;
  if (self->run >= MIN_RUN)
    n = MIN (MIN (MAX_RUN, left), self->n_window - self->next_place);
  for (guint32 i = 1; i < n; i++)
    if (self->frames[page + i] != 0)
      return i;
  return n;
}

/* Returns: the page's place + 1, 0: it cannot be read */
static guint32
load_page (PyHeapMemory *self, const PyHeapRegion *region, guint32 page)
{
  guint32 n = choose_run (self, region, page);
  guint32 place = self->next_place;
  guint64 address = region->start + (guint64)(page - region->first_page) * PY_HEAP_PAGE;
  guint8 *room = self->window + (gsize)place * PY_HEAP_PAGE;
  gsize got;

  for (guint32 i = place; i < place + n; i++)
    if (self->owners[i] != PY_HEAP_NO_PAGE)
      {
        self->frames[self->owners[i]] = 0;
        self->owners[i] = PY_HEAP_NO_PAGE;
      }

  got = hap_memory_read_some (self->source, address, room, (gsize)n * PY_HEAP_PAGE) / PY_HEAP_PAGE;
  self->bytes_read += got * PY_HEAP_PAGE;
  self->last_miss = page + MAX (got, 1) - 1;
  if (got == 0)
    {
      self->frames[page] = UNREADABLE;
      return 0;
    }
  for (guint32 i = 0; i < got; i++)
    {
      self->owners[place + i] = page + i;
      self->frames[page + i] = place + i + 1;
    }
  self->next_place = (place + got) % self->n_window;
  return place + 1;
}

static gsize
read_some (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size)
{
  gsize done = 0;

  while (done < size)
    {
      const PyHeapRegion *region = find_region (self, address + done);
      gsize offset = (address + done) % PY_HEAP_PAGE;
      gsize n = MIN (size - done, PY_HEAP_PAGE - offset);
      guint32 page, frame;

      if (region == NULL)
        break;
      page = region->first_page + (address + done - region->start) / PY_HEAP_PAGE;
      frame = self->frames[page];
      if (frame == 0)
        frame = load_page (self, region, page);
      if (frame == 0 || frame == UNREADABLE)
        break;
      memcpy ((guint8 *)buffer + done, self->window + (gsize)(frame - 1) * PY_HEAP_PAGE + offset, n);
      done += n;
    }
  return done;
}

gboolean
py_heap_memory_read_slowly (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size)
{
  return read_some (self, address, buffer, size) == size;
}

static gsize
py_heap_memory_interface_read (HapMemory *memory, guint64 address, gpointer buffer, gsize size)
{
  return read_some ((PyHeapMemory *)memory, address, buffer, size);
}

static void
py_heap_memory_memory_init (HapMemoryInterface *iface)
{
  iface->read = py_heap_memory_interface_read;
}

static void
py_heap_memory_finalize (GObject *object)
{
  PyHeapMemory *self = PY_HEAP_MEMORY (object);

  munmap (self->frames, self->frames_size);
  munmap (self->window, (gsize)self->n_window * PY_HEAP_PAGE);
  g_free (self->owners);
  g_free (self->regions);
  g_object_unref (self->source);

  G_OBJECT_CLASS (py_heap_memory_parent_class)->finalize (object);
}

static void
py_heap_memory_class_init (PyHeapMemoryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = py_heap_memory_finalize;
}

static void
py_heap_memory_init (PyHeapMemory *self)
{
}

/* Memory that takes no room before it is written. */
static gpointer
reserve (gsize size)
{
  gpointer memory =
      mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (memory == MAP_FAILED)
    g_error ("No room for %" G_GSIZE_FORMAT " bytes", size); /* as GLib does */
  return memory;
}

/* Devices may do anything when they are read; the kernel's own pages hold no objects. */
static gboolean
is_ordinary (const HapMapping *mapping)
{
  return mapping->readable && mapping->start % PY_HEAP_PAGE == 0 && mapping->end % PY_HEAP_PAGE == 0
         && !g_str_has_prefix (mapping->path, "/dev/") && !g_str_has_prefix (mapping->path, "[v");
}

/* A file's writable pages, and what is anonymous right behind them: its .data and .bss. */
static gboolean
is_static (const HapMapping *mapping, const HapMapping *before, gboolean before_static)
{
  if (!mapping->writable || mapping->shared)
    return FALSE;
  if (mapping->inode != 0)
    return TRUE;
  return *mapping->path == '\0' && before != NULL && before_static && before->inode != 0
         && before->end == mapping->start;
}

static void
list_regions (PyHeapMemory *self, HapMaps *maps)
{
  const HapMapping *before = NULL;
  gboolean before_static = FALSE;

  self->regions = g_new0 (PyHeapRegion, MAX (hap_maps_get_length (maps), 1));
  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);
      guint64 n_pages = (mapping->end - mapping->start) / PY_HEAP_PAGE;

      before_static = is_static (mapping, before, before_static);
      before = mapping;
      if (!is_ordinary (mapping) || n_pages > MAX_PAGES - self->n_pages)
        continue;
      self->regions[self->n_regions++] =
          (PyHeapRegion){ mapping->start, mapping->end, self->n_pages, before_static };
      self->n_pages += n_pages;
    }
  self->last = &self->regions[0];
}

PyHeapMemory *
py_heap_memory_new (HapMemory *source, HapMaps *maps, gsize window)
{
  PyHeapMemory *self = g_object_new (PY_TYPE_HEAP_MEMORY, NULL);

  self->source = g_object_ref (source);
  list_regions (self, maps);
  self->frames_size = MAX ((gsize)self->n_pages, 1) * sizeof *self->frames;
  self->frames = reserve (self->frames_size);
  self->n_window = MAX (window, 1024 * 1024) / PY_HEAP_PAGE;
  self->window = reserve ((gsize)self->n_window * PY_HEAP_PAGE);
  self->owners = g_new (guint32, self->n_window);
  memset (self->owners, 0xff, self->n_window * sizeof *self->owners);
  self->last_miss = PY_HEAP_NO_PAGE - 1;
  return self;
}
