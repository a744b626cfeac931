/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-maps.h"
#include "hap-memory.h"

G_BEGIN_DECLS

/**
 * HapElf: one ELF object as it lies in a target's memory, read through its dynamic section: needs no file, so
 * it serves deleted and replaced binaries and other mount namespaces alike. Section headers are not loaded:
 * they need the file.
 */
typedef struct _HapElf HapElf;

/**
 * hap_elf_new:
 * @base: address of the ELF header, a mapping with offset 0
 *
 * Errors: HAP_ERROR_UNSUPPORTED_TARGET if there is no 64-bit little-endian ELF header for this processor at
 * @base
 */
HapElf *hap_elf_new (HapMemory *memory, guint64 base, GError **error);
void hap_elf_free (HapElf *self);

/* What to add to an address in the file to get one in memory: base minus the page of the lowest PT_LOAD
 * address. */
guint64 hap_elf_get_bias (HapElf *self);

/**
 * hap_elf_find_symbol:
 * Looks in the dynamic symbol table in memory (GNU hash, else SysV hash).
 * @address: (out): in the target's memory. @size: (out) (optional): st_size
 * Returns: FALSE if it is not there
 */
gboolean hap_elf_find_symbol (HapElf *self, const char *name, guint64 *address, guint64 *size);

/**
 * hap_elf_file_find_section, hap_elf_file_find_symbol:
 * The same questions to the ELF file @fd (symtab too), through libelf, for what memory does not say. @address
 * is as in the file: add the bias. Returns FALSE if it is not there or the file is no sound ELF file.
 */
gboolean hap_elf_file_find_section (int fd, const char *name, guint64 *address, guint64 *size);
gboolean hap_elf_file_find_symbol (int fd, const char *name, guint64 *address, guint64 *size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapElf, hap_elf_free)

G_END_DECLS
