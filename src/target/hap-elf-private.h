/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <elf.h>
#include <glib.h>

#if defined(__x86_64__)
#define HAP_ELF_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HAP_ELF_MACHINE EM_AARCH64
#else
#error "This processor is not supported"
#endif

/* Whether a symbol, in memory or in a file, is a definition at an address: no reference, constant or offset
 * into thread storage. */
static inline gboolean
hap_elf_symbol_has_address (guint16 section, guint8 info)
{
  return section != SHN_UNDEF && section != SHN_ABS && ELF64_ST_TYPE (info) != STT_TLS;
}
