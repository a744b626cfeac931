/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapElf: an ELF object as it lies in a target's memory, down to its dynamic symbols. Every count and address
 * here is the target's word: counts are bounded, addresses only ever read from. What only the file says is
 * hap-elf-file.c's.
 */

#include "hap-elf.h"

#include <elf.h>
#include <glib/gi18n.h>
#include <string.h>

#include "hap-elf-private.h"
#include "hap-error.h"

#define MAX_PROGRAM_HEADERS 128
#define MAX_DYNAMIC 512
#define MAX_CHAIN 65536 /* symbols looked at in one hash bucket */
#define MAX_NAME 256

struct _HapElf
{
  HapMemory *memory;
  guint64 bias;
  guint64 low, high; /* where its segments lie in memory */

  /* Addresses in memory, 0 where it has none. */
  guint64 symbols, strings, gnu_hash, sysv_hash;
};

static gboolean
check_header (const Elf64_Ehdr *header)
{
  return memcmp (header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_ident[EI_CLASS] == ELFCLASS64
         && header->e_ident[EI_DATA] == ELFDATA2LSB && header->e_machine == HAP_ELF_MACHINE
         && (header->e_type == ET_EXEC || header->e_type == ET_DYN)
         && header->e_phentsize == sizeof (Elf64_Phdr) && header->e_phnum > 0
         && header->e_phnum <= MAX_PROGRAM_HEADERS;
}

/*
 * glibc writes the addresses in the dynamic section over with those in memory, musl and the kernel's vDSO
 * leave them as in the file. An object that was moved never has both meanings for one number: the file's
 * start near 0.
 */
static guint64
locate (HapElf *self, guint64 value)
{
  if (value >= self->low && value < self->high)
    return value;
  return self->bias + value;
}

static void
read_dynamic (HapElf *self, const Elf64_Phdr *segment)
{
  Elf64_Dyn dynamic[MAX_DYNAMIC];
  gsize size = MIN (segment->p_memsz, sizeof dynamic);
  gsize n =
      hap_memory_read_some (self->memory, self->bias + segment->p_vaddr, dynamic, size) / sizeof *dynamic;

  for (gsize i = 0; i < n && dynamic[i].d_tag != DT_NULL; i++)
    {
      guint64 address = locate (self, dynamic[i].d_un.d_ptr);

      switch (dynamic[i].d_tag)
        {
        case DT_SYMTAB:
          self->symbols = address;
          break;
        case DT_STRTAB:
          self->strings = address;
          break;
        case DT_GNU_HASH:
          self->gnu_hash = address;
          break;
        case DT_HASH:
          self->sysv_hash = address;
          break;
        }
    }
}

static gboolean
read_segments (HapElf *self, guint64 base, const Elf64_Ehdr *header)
{
  Elf64_Phdr segments[MAX_PROGRAM_HEADERS];
  const Elf64_Phdr *first = NULL;
  const Elf64_Phdr *dynamic = NULL;
  guint64 end = 0;

  if (!hap_memory_read (self->memory, base + header->e_phoff, segments, header->e_phnum * sizeof *segments))
    return FALSE;

  for (guint i = 0; i < header->e_phnum; i++)
    {
      const Elf64_Phdr *segment = &segments[i];

      if (segment->p_type == PT_DYNAMIC)
        dynamic = segment;
      if (segment->p_type != PT_LOAD)
        continue;
      if (first == NULL || segment->p_vaddr < first->p_vaddr)
        first = segment;
      end = MAX (end, segment->p_vaddr + segment->p_memsz);
    }
  if (first == NULL)
    return FALSE;

  /* The header is at offset 0 of the file, so the address of offset 0 is what moved to @base. */
  self->bias = base - (first->p_vaddr - first->p_offset);
  self->low = base;
  self->high = self->bias + end;
  if (dynamic != NULL)
    read_dynamic (self, dynamic);
  return TRUE;
}

HapElf *
hap_elf_new (HapMemory *memory, guint64 base, GError **error)
{
  g_autoptr (HapElf) self = g_new0 (HapElf, 1);
  Elf64_Ehdr header;

  self->memory = g_object_ref (memory);
  if (!hap_memory_read (memory, base, &header, sizeof header) || !check_header (&header)
      || !read_segments (self, base, &header))
    {
      g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                   _ ("There is no 64-bit ELF object for this processor at 0x%llx"),
                   (unsigned long long)base);
      return NULL;
    }
  return g_steal_pointer (&self);
}

void
hap_elf_free (HapElf *self)
{
  g_object_unref (self->memory);
  g_free (self);
}

guint64
hap_elf_get_bias (HapElf *self)
{
  return self->bias;
}

static guint32
hash_gnu (const char *name)
{
  guint32 hash = 5381;

  for (; *name != '\0'; name++)
    hash = hash * 33 + (guint8)*name;
  return hash;
}

static guint32
hash_sysv (const char *name)
{
  guint32 hash = 0;

  for (; *name != '\0'; name++)
    {
      hash = (hash << 4) + (guint8)*name;
      hash ^= (hash >> 24) & 0xf0;
    }
  return hash & 0x0fffffff;
}

/* Whether the symbol at @index is the definition of @name. */
static gboolean
match_symbol (HapElf *self, guint64 index, const char *name, Elf64_Sym *symbol)
{
  gsize size = strlen (name) + 1;
  char found[MAX_NAME];

  return size <= sizeof found
         && hap_memory_read (self->memory, self->symbols + index * sizeof *symbol, symbol, sizeof *symbol)
         && hap_elf_symbol_has_address (symbol->st_shndx, symbol->st_info)
         && hap_memory_read (self->memory, self->strings + symbol->st_name, found, size)
         && memcmp (found, name, size) == 0;
}

static gboolean
find_by_gnu_hash (HapElf *self, const char *name, Elf64_Sym *symbol)
{
  struct
  {
    guint32 n_buckets, first_symbol, n_bloom_words, bloom_shift;
  } table;
  guint32 hash = hash_gnu (name);
  guint32 index, entry;
  guint64 buckets, chains;

  if (!hap_memory_read (self->memory, self->gnu_hash, &table, sizeof table) || table.n_buckets == 0)
    return FALSE;
  buckets = self->gnu_hash + sizeof table + (guint64)table.n_bloom_words * 8;
  chains = buckets + (guint64)table.n_buckets * 4;
  if (!hap_memory_read_u32 (self->memory, buckets + (hash % table.n_buckets) * 4ULL, &index)
      || index < table.first_symbol)
    return FALSE;

  for (guint i = 0; i < MAX_CHAIN; i++, index++)
    {
      if (!hap_memory_read_u32 (self->memory, chains + (guint64)(index - table.first_symbol) * 4, &entry))
        return FALSE;
      if ((entry | 1) == (hash | 1) && match_symbol (self, index, name, symbol))
        return TRUE;
      if (entry & 1)
        return FALSE;
    }
  return FALSE;
}

static gboolean
find_by_sysv_hash (HapElf *self, const char *name, Elf64_Sym *symbol)
{
  struct
  {
    guint32 n_buckets, n_chains;
  } table;
  guint64 buckets = self->sysv_hash + sizeof table;
  guint64 chains;
  guint32 index;

  if (!hap_memory_read (self->memory, self->sysv_hash, &table, sizeof table) || table.n_buckets == 0)
    return FALSE;
  chains = buckets + (guint64)table.n_buckets * 4;
  if (!hap_memory_read_u32 (self->memory, buckets + (hash_sysv (name) % table.n_buckets) * 4ULL, &index))
    return FALSE;

  for (guint i = 0; i < MAX_CHAIN && index != STN_UNDEF && index < table.n_chains; i++)
    {
      if (match_symbol (self, index, name, symbol))
        return TRUE;
      if (!hap_memory_read_u32 (self->memory, chains + index * 4ULL, &index))
        return FALSE;
    }
  return FALSE;
}

gboolean
hap_elf_find_symbol (HapElf *self, const char *name, guint64 *address, guint64 *size)
{
  Elf64_Sym symbol;

  if (self->symbols == 0 || self->strings == 0)
    return FALSE;
  if (!(self->gnu_hash != 0 && find_by_gnu_hash (self, name, &symbol))
      && !(self->sysv_hash != 0 && find_by_sysv_hash (self, name, &symbol)))
    return FALSE;

  *address = self->bias + symbol.st_value;
  if (size != NULL)
    *size = symbol.st_size;
  return TRUE;
}
