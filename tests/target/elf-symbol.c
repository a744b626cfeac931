/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The symbol that the tests look for, in a section of its own as _PyRuntime is. */

#include <stdint.h>

extern const uint64_t hap_test_symbol[4];
__attribute__ ((section (".HapTest"), visibility ("default")))
const uint64_t hap_test_symbol[4] = { 1, 2, 3, 4 };
