/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Has one symbol that the tests look for, says where it is, and waits. Built in every way that an interpreter
 * may be built. Its name is one that ends the kernel's parentheses early.
 */

#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>

#ifdef SHARED
extern const uint64_t hap_test_symbol[4];
#else
#include "elf-symbol.c"
#endif

int
main (void)
{
  char line[16];

  prctl (PR_SET_NAME, "a) R 1 2 (b");
  printf ("ready\n%lx\n", (unsigned long)(uintptr_t)hap_test_symbol);
  fflush (stdout);
  return fgets (line, sizeof line, stdin) == NULL ? 1 : 0;
}
