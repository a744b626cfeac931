/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * PyHeapMemory: a window of bounded size onto a target's memory of any size. Reading a field costs a look
 * into two tables; a system call is made for a page or a run of pages only. What the bytes mean is others' to
 * know.
 */

#include "py-heap-memory.h"

#include <sys/mman.h>

#define MAX_PAGES (16 * 1024 * 1024) /* 64 GiB of readable memory; more is left out */
#define MAX_RUN 16                   /* pages that are read at once */
#define FIRST_PLACES 2048            /* 8 MiB */
#define MOST_PLACES 65536            /* 256 MiB */
#define UNREADABLE G_MAXUINT32
#define EVICTED (G_MAXUINT32 - 1)

/* Of the pages that were read so far, how many are kept, of ten: with less, pages are read again and again;
 * with more, they are the most of what we need. */
#define KEPT_OF_TEN 5

/* Pages next to each other. */
typedef struct
{
  guint32 first, n;
} Run;

static void py_heap_memory_memory_init (HapMemoryInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (PyHeapMemory,
                               py_heap_memory,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HAP_TYPE_MEMORY, py_heap_memory_memory_init))

const PyHeapRegion *
py_heap_memory_find_region (PyHeapMemory *self, guint64 address)
{
  guint low = 0, high = self->n_regions;

  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (address < self->regions[middle].start)
        high = middle;
      else if (address >= self->regions[middle].end)
        low = middle + 1;
      else
        return &self->regions[middle];
    }
  return NULL;
}

static guint32
number_page (const PyHeapRegion *region, guint64 address)
{
  return region->first_page + (address - region->start) / PY_HEAP_PAGE;
}

/* What is nowhere is near, too: words that are no addresses are many, and not many different ones. */
guint32
py_heap_memory_search_page (PyHeapMemory *self, guint64 address)
{
  const PyHeapRegion *region = py_heap_memory_find_region (self, address);
  guint32 page = region != NULL ? number_page (region, address) : PY_HEAP_NO_PAGE;

  *py_heap_memory_get_near (self, address) = (PyHeapNearPage){ address - address % PY_HEAP_PAGE, NULL, page };
  return page;
}

static void
evict (PyHeapMemory *self, guint32 place)
{
  if (self->owners[place] == PY_HEAP_NO_PAGE)
    return;
  self->frames[self->owners[place]] = EVICTED;
  self->owners[place] = PY_HEAP_NO_PAGE;
}

/* The window's places are others' from here on. */
static void
forget_near (PyHeapMemory *self)
{
  for (guint i = 0; i < PY_HEAP_NEAR; i++)
    self->near[i].bytes = NULL;
}

void
py_heap_memory_forget (PyHeapMemory *self)
{
  for (guint32 i = 0; i < self->n_used; i++)
    evict (self, i);
  forget_near (self);
  madvise (self->window, (gsize)self->n_used * PY_HEAP_PAGE, MADV_DONTNEED);
  self->n_used = self->next = 0;
}

/* Or known not to be readable. */
static gboolean
is_here (PyHeapMemory *self, guint32 page)
{
  return self->frames[page] != 0 && self->frames[page] != EVICTED;
}

/* Which pages to read for @page: more than one where its neighbour is there already, which tells the
 * direction. Not across what is there. */
static Run
choose_run (PyHeapMemory *self, const PyHeapRegion *region, guint32 page)
{
  guint32 end = region->first_page + (region->end - region->start) / PY_HEAP_PAGE;
  gboolean up = page > region->first_page && is_here (self, page - 1);
  gboolean down = page + 1 < end && is_here (self, page + 1);
  Run run = { page, 1 };

  while (up && run.n < MAX_RUN && page + run.n < end && !is_here (self, page + run.n))
    run.n++;
  while (down && run.n < MAX_RUN && run.first > region->first_page && !is_here (self, run.first - 1))
    {
      run.first--;
      run.n++;
    }
  return run;
}

/* Where @n pages go: in the place of those that were read longest ago, once there are as many as are kept. */
static guint32
find_place (PyHeapMemory *self, guint32 n)
{
  guint32 kept = CLAMP ((guint64)self->n_read * KEPT_OF_TEN / 10, FIRST_PLACES, MOST_PLACES), place;

  if (self->n_used + n <= kept)
    return self->n_used;
  if (self->next + n > self->n_used)
    self->next = 0;
  place = self->next;
  self->next += n;
  return place;
}

/* Returns: how many could be read */
static guint32
load_run (PyHeapMemory *self, const PyHeapRegion *region, Run run)
{
  guint64 address = region->start + (guint64)(run.first - region->first_page) * PY_HEAP_PAGE;
  guint32 place = find_place (self, run.n), got;

  forget_near (self);
  for (guint32 i = place; i < place + run.n; i++)
    evict (self, i);
  got = hap_memory_read_some (self->source, address, self->window + (gsize)place * PY_HEAP_PAGE,
                              (gsize)run.n * PY_HEAP_PAGE)
        / PY_HEAP_PAGE;
  for (guint32 i = 0; i < got; i++)
    {
      self->owners[place + i] = run.first + i;
      self->n_read += self->frames[run.first + i] == 0;
      self->frames[run.first + i] = place + i + 1;
    }
  self->bytes_read += (guint64)got * PY_HEAP_PAGE;
  self->n_used = MAX (self->n_used, place + got);
  return got;
}

/* Returns: the page's place + 1, UNREADABLE */
static guint32
load_page (PyHeapMemory *self, const PyHeapRegion *region, guint32 page)
{
  Run run = choose_run (self, region, page);

  /* Of what is read downwards, a page that cannot be read may lie in the way. */
  if (run.first + load_run (self, region, run) <= page && run.n > 1)
    load_run (self, region, (Run){ page, 1 });
  if (!is_here (self, page))
    self->frames[page] = UNREADABLE;
  return self->frames[page];
}

/* Returns: (nullable): the bytes of the page that holds @address */
static const guint8 *
find_bytes (PyHeapMemory *self, guint64 address)
{
  const PyHeapRegion *region = py_heap_memory_find_region (self, address);
  guint32 page, frame;
  const guint8 *bytes;

  if (region == NULL)
    return NULL;
  page = number_page (region, address);
  frame = self->frames[page];
  if (frame == 0 || frame == EVICTED)
    frame = load_page (self, region, page);
  if (frame == UNREADABLE)
    return NULL;
  bytes = self->window + (gsize)(frame - 1) * PY_HEAP_PAGE;
  *py_heap_memory_get_near (self, address) =
      (PyHeapNearPage){ address - address % PY_HEAP_PAGE, bytes, page };
  return bytes;
}

static gsize
read_some (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size)
{
  gsize done = 0;

  while (done < size)
    {
      gsize offset = (address + done) % PY_HEAP_PAGE;
      gsize n = MIN (size - done, PY_HEAP_PAGE - offset);
      const guint8 *bytes = find_bytes (self, address + done);

      if (bytes == NULL)
        break;
      memcpy ((guint8 *)buffer + done, bytes + offset, n);
      done += n;
    }
  return done;
}

gboolean
py_heap_memory_read_slowly (PyHeapMemory *self, guint64 address, gpointer buffer, gsize size)
{
  return read_some (self, address, buffer, size) == size;
}

guint64
py_heap_memory_get_slowly (PyHeapMemory *self, guint64 address)
{
  guint64 value;

  return read_some (self, address, &value, sizeof value) == sizeof value ? value : 0;
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
  munmap (self->window, (gsize)MOST_PLACES * PY_HEAP_PAGE);
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
  for (guint i = 0; i < PY_HEAP_NEAR; i++)
    self->near[i] = (PyHeapNearPage){ G_MAXUINT64, NULL, PY_HEAP_NO_PAGE };
}

PyHeapMemory *
py_heap_memory_new (HapMemory *source, HapMaps *maps)
{
  PyHeapMemory *self = g_object_new (PY_TYPE_HEAP_MEMORY, NULL);

  self->source = g_object_ref (source);
  list_regions (self, maps);
  self->frames_size = MAX ((gsize)self->n_pages, 1) * sizeof *self->frames;
  self->frames = reserve (self->frames_size);
  self->window = reserve ((gsize)MOST_PLACES * PY_HEAP_PAGE);
  madvise (self->window, (gsize)MOST_PLACES * PY_HEAP_PAGE,
           MADV_HUGEPAGE); /* had in a hundredth of the time */
  self->owners = g_new (guint32, MOST_PLACES);
  memset (self->owners, 0xff, MOST_PLACES * sizeof *self->owners);
  return self;
}
