/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-origin.h"

G_BEGIN_DECLS

/* How often, and for how many seconds. @primitive: of the calls, those not made by the function itself while it ran */
typedef struct
{
  guint64 calls, primitive;
  double self, total;
} HapCallCount;

/* @caller: index of the function */
typedef struct
{
  guint32 caller;
  HapCallCount count;
} HapCountedCaller;

/* A function of the target; built-in ones have the file "~" and the line 0. */
typedef struct
{
  char *file;
  char *name;     /* co_name, for pstats and callgrind */
  char *qualname; /* for people */
  gint line;      /* co_firstlineno */
  const HapOrigin *origin;
  HapCallCount count;
  GArray *callers; /* (element-type HapCountedCaller) */
} HapCountedFunction;

/**
 * HapCallCounts: what an exact profiler counted: every call, by function and by caller, in the order in which cProfile has them. No two
 * functions have file, line and name in common.
 */
typedef struct
{
  GArray *functions; /* (element-type HapCountedFunction) */
} HapCallCounts;

HapCallCounts *hap_call_counts_new (void);
void hap_call_counts_free (HapCallCounts *self);

/* A new function without callers; the texts are copied. Valid until the next one is added. */
HapCountedFunction *
hap_call_counts_add (HapCallCounts *self, const char *file, gint line, const char *name, const char *qualname);

const HapCountedFunction *hap_call_counts_get (const HapCallCounts *self, guint32 index);

/* Whether every caller is a function. */
gboolean hap_call_counts_are_whole (const HapCallCounts *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapCallCounts, hap_call_counts_free)

G_END_DECLS
