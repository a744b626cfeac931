/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds where CPython lies in a process, by what is mapped: by symbols, by the executable's section headers,
 * by the debug offsets' cookie. No name of a file is trusted, nothing is run. Whether a place found is one is
 * py-attach.c's to check.
 */

#include "py-locate.h"

#include <string.h>

#include "py-layout.h"

#define MAX_OBJECTS 8192
#define SCAN_BLOCK 65536
#define MAX_SCAN (256 * 1024 * 1024)
#define MAX_CANDIDATES 16

typedef struct
{
  HapTarget *target;
  HapMemory *memory;
  HapMaps *maps;
  GArray *candidates;
  const char *too_old;
} Search;

/* A symbol that a version brought, the newest first; NULL: not too old. */
static const struct
{
  const char *symbol, *version;
} old_versions[] = {
  { "PyType_GetName", NULL },
  { "PyModule_AddObjectRef", "3.10" },
  { "PyFrame_GetCode", "3.9" },
  { "PyCode_NewWithPosOnlyArgs", "3.8" },
  { "_PyRuntime", "3.7" },
  /* Python 2 calls it PyUnicodeUCS2_ or PyUnicodeUCS4_AsUTF8String. */
  { "PyUnicode_AsUTF8String", "3.6 or older" },
  { "PyCapsule_New", "2.7" },
  { "PyString_FromString", "2" },
};

static void
add_candidate (Search *search, guint64 address, guint32 version)
{
  PyCandidate candidate = { address, version };

  for (guint i = 0; i < search->candidates->len; i++)
    if (g_array_index (search->candidates, PyCandidate, i).address == address)
      return;
  if (search->candidates->len < MAX_CANDIDATES)
    g_array_append_val (search->candidates, candidate);
}

static void
note_old_version (Search *search, HapElf *elf)
{
  guint64 address;

  if (search->too_old != NULL)
    return;
  if (!hap_elf_find_symbol (elf, "Py_Main", &address, NULL)
      && !hap_elf_find_symbol (elf, "Py_Initialize", &address, NULL))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (old_versions); i++)
    if (hap_elf_find_symbol (elf, old_versions[i].symbol, &address, NULL))
      {
        search->too_old = old_versions[i].version;
        break;
      }
}

static void
search_symbols (Search *search, HapElf *elf)
{
  guint64 runtime, address;
  guint32 version;

  if (hap_elf_find_symbol (elf, "_PyRuntime", &runtime, NULL)
      && hap_elf_find_symbol (elf, "Py_Version", &address, NULL)
      && hap_memory_read_u32 (search->memory, address, &version))
    add_candidate (search, runtime, version);
  else
    note_old_version (search, elf);
}

/*
 * A library has to export _PyRuntime to its extension modules; an executable that holds Python may keep its
 * symbols to itself. It is the lowest object mapped.
 */
static void
search_executable (Search *search, const HapMapping *mapping, HapElf *elf)
{
  HapBroker *broker = hap_target_get_broker (search->target);
  int fd = hap_broker_open_mapping (broker, mapping->start, mapping->end, NULL);
  guint64 runtime, address;
  guint32 version = 0;

  if (fd < 0)
    return;
  if (hap_elf_file_find_section (fd, ".PyRuntime", &runtime, NULL)
      || hap_elf_file_find_symbol (fd, "_PyRuntime", &runtime, NULL))
    {
      if (hap_elf_file_find_symbol (fd, "Py_Version", &address, NULL))
        hap_memory_read_u32 (search->memory, address + hap_elf_get_bias (elf), &version);
      add_candidate (search, runtime + hap_elf_get_bias (elf), version);
    }
  close (fd);
}

static void
search_objects (Search *search)
{
  guint n_objects = 0;
  const HapMapping *executable = NULL;

  for (guint i = 0; i < hap_maps_get_length (search->maps) && n_objects < MAX_OBJECTS; i++)
    {
      const HapMapping *mapping = hap_maps_get (search->maps, i);
      g_autoptr (HapElf) elf = NULL;

      if (mapping->offset != 0 || mapping->inode == 0 || !mapping->readable)
        continue;
      n_objects++;
      elf = hap_elf_new (search->memory, mapping->start, NULL);
      if (elf == NULL)
        continue;
      if (executable == NULL)
        executable = mapping;
      search_symbols (search, elf);
    }

  if (search->candidates->len == 0 && executable != NULL)
    {
      g_autoptr (HapElf) elf = hap_elf_new (search->memory, executable->start, NULL);

      if (elf != NULL)
        search_executable (search, executable, elf);
    }
}

/* 3.13+: the cookie lies in initialised data, so in a private, writable mapping of a file. */
static void
search_cookie_in (Search *search, const HapMapping *mapping, guint64 *budget)
{
  g_autofree guint8 *block = g_malloc (SCAN_BLOCK);
  guint8 head[PY_DEBUG_OFFSETS_SIZE];
  guint32 version;
  gboolean free_threaded;

  for (guint64 address = mapping->start; address < mapping->end && *budget >= SCAN_BLOCK;
       address += SCAN_BLOCK)
    {
      gsize n =
          hap_memory_read_some (search->memory, address, block, MIN (SCAN_BLOCK, mapping->end - address));

      *budget -= SCAN_BLOCK;
      for (gsize i = 0; i + sizeof (guint64) <= n; i += sizeof (guint64))
        if (memcmp (block + i, PY_DEBUG_OFFSETS_COOKIE, sizeof (guint64)) == 0
            && hap_memory_read (search->memory, address + i, head, sizeof head)
            && py_debug_offsets_identify (head, &version, &free_threaded))
          add_candidate (search, address + i, version);
    }
}

static void
search_cookie (Search *search)
{
  guint64 budget = MAX_SCAN;

  for (guint i = 0; i < hap_maps_get_length (search->maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (search->maps, i);

      if (mapping->inode != 0 && mapping->readable && mapping->writable && !mapping->shared)
        search_cookie_in (search, mapping, &budget);
    }
}

GArray *
py_locate (HapTarget *target, const char **too_old, GError **error)
{
  g_autoptr (GArray) candidates = g_array_new (FALSE, FALSE, sizeof (PyCandidate));
  Search search = {
    .target = target,
    .memory = hap_target_get_memory (target),
    .maps = hap_target_get_maps (target, error),
    .candidates = candidates,
  };

  if (search.maps == NULL)
    return NULL;
  search_objects (&search);
  if (candidates->len == 0 && search.too_old == NULL)
    search_cookie (&search);
  *too_old = search.too_old;
  return g_steal_pointer (&candidates);
}
