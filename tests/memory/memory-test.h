/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-test-action.h"

G_BEGIN_DECLS

/* One Memory job on a target; what happens in its time is @between's: called once the first moment is past,
 * and done before the second one, however long it takes. */
typedef void (*MemoryBetween) (HapTestProcess *process);

HapTestReport *
memory_test_run (HapTestProcess *process, const char *data, MemoryBetween between, GError **error);

/* @between: has the target do its part: a line to its stdin, and back */
void memory_test_grow (HapTestProcess *process);

/* (transfer full): the text of an artifact */
char *memory_test_read (HapTestReport *report, const char *suffix);

/* (transfer none) */
const char *memory_test_get_verdict (HapTestReport *report);

/* A figure of an area of resident memory in the Summary: column "bytes" or "before" */
guint64 memory_test_get_area (HapTestReport *report, const char *area, const char *column);

/* A figure of an integration; 0: it is not among them */
guint64 memory_test_get_integration (HapTestReport *report, const char *name, const char *column);

G_END_DECLS
