/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What only an ELF file says: its section headers and full symbol table, through libelf. The file may be
 * anything that the target's owner put there, and may change while it is read: it is read, never mapped, and
 * bounded in size.
 */

#include "hap-elf.h"

#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <sys/stat.h>

#include "hap-elf-private.h"

#define MAX_FILE (1024LL * 1024 * 1024)
#define MAX_TABLE (128 * 1024 * 1024) /* a symbol table, or the names of one */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Elf, elf_end)

static Elf *
open_elf (int fd)
{
  g_autoptr (Elf) elf = NULL;
  struct stat status;
  GElf_Ehdr header;

  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode) || status.st_size > MAX_FILE)
    return NULL;
  if (elf_version (EV_CURRENT) == EV_NONE)
    return NULL;
  elf = elf_begin (fd, ELF_C_READ, NULL);
  if (elf == NULL || elf_kind (elf) != ELF_K_ELF || gelf_getehdr (elf, &header) == NULL)
    return NULL;
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB
      || header.e_machine != HAP_ELF_MACHINE)
    return NULL;
  return g_steal_pointer (&elf);
}

gboolean
hap_elf_file_find_section (int fd, const char *name, guint64 *address, guint64 *size)
{
  g_autoptr (Elf) elf = open_elf (fd);
  Elf_Scn *section = NULL;
  size_t names;

  if (elf == NULL || elf_getshdrstrndx (elf, &names) != 0)
    return FALSE;

  while ((section = elf_nextscn (elf, section)) != NULL)
    {
      GElf_Shdr header;
      const char *found;

      if (gelf_getshdr (section, &header) == NULL)
        return FALSE;
      found = elf_strptr (elf, names, header.sh_name);
      if (found == NULL || strcmp (found, name) != 0)
        continue;
      *address = header.sh_addr;
      if (size != NULL)
        *size = header.sh_size;
      return TRUE;
    }
  return FALSE;
}

/* The contents of a section, NULL if they are too large. */
static Elf_Data *
load_section (Elf_Scn *section, GElf_Shdr *header)
{
  if (section == NULL || gelf_getshdr (section, header) == NULL || header->sh_size > MAX_TABLE)
    return NULL;
  return elf_getdata (section, NULL);
}

static gboolean
find_in_table (Elf *elf, Elf_Scn *table, const char *name, GElf_Sym *symbol)
{
  GElf_Shdr header, names;
  Elf_Data *data = load_section (table, &header);

  if (data == NULL || load_section (elf_getscn (elf, header.sh_link), &names) == NULL)
    return FALSE;

  for (gsize i = 0; i < header.sh_size / sizeof (Elf64_Sym) && gelf_getsym (data, i, symbol) != NULL; i++)
    {
      const char *found;

      if (!hap_elf_symbol_has_address (symbol->st_shndx, symbol->st_info))
        continue;
      found = elf_strptr (elf, header.sh_link, symbol->st_name);
      if (found != NULL && strcmp (found, name) == 0)
        return TRUE;
    }
  return FALSE;
}

static Elf_Scn *
find_section_of_type (Elf *elf, guint32 type)
{
  Elf_Scn *section = NULL;
  GElf_Shdr header;

  while ((section = elf_nextscn (elf, section)) != NULL)
    if (gelf_getshdr (section, &header) != NULL && header.sh_type == type)
      return section;
  return NULL;
}

gboolean
hap_elf_file_find_symbol (int fd, const char *name, guint64 *address, guint64 *size)
{
  static const guint32 types[] = { SHT_SYMTAB, SHT_DYNSYM };
  g_autoptr (Elf) elf = open_elf (fd);

  for (gsize i = 0; elf != NULL && i < G_N_ELEMENTS (types); i++)
    {
      GElf_Sym symbol;

      if (!find_in_table (elf, find_section_of_type (elf, types[i]), name, &symbol))
        continue;
      *address = symbol.st_value;
      if (size != NULL)
        *size = symbol.st_size;
      return TRUE;
    }
  return FALSE;
}
