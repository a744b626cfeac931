/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-test.h"
#include "py-observer.h"

G_BEGIN_DECLS

/* How true observations of a target were whose possible stacks are known. */
typedef struct
{
  guint64 samples;    /* stacks that were kept */
  guint64 impossible; /* of them with a caller and a callee that never call each other */
  guint64 unreadable; /* of them with a frame that is no code object */
  PyObserverCounts counts;
  double seconds;
} Truth;

/**
 * truth_measure:
 * @argv: a target that prints its edges, as tests/targets/truth_*.py
 * @samples: how many stacks to look at
 */
void truth_measure (const HapTestPython *python,
                    const char *const *argv,
                    PyPrecision precision,
                    guint64 samples,
                    Truth *truth);

G_END_DECLS
