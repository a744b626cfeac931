/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-call-tree.h"

G_BEGIN_DECLS

/**
 * HapProfile: a finished CPU profile: the tree and what a reader has to know about how it was made. The input
 * of all writers.
 */
typedef struct
{
  HapCallTree *tree;    /* (owned) */
  gint64 start_time_us; /* since 1970 */
  gint64 interval_ns;   /* duration / observations at the rate that was asked for, at least 1 */
  double duration;      /* seconds */
  double kept; /* 0..1: the share of the observations that was made; each counts for the others, too */
  guint32 pid;
  char *title; /* "Home Assistant 2025.11.1, Python 3.13.9": escaped for print */
  char *clock; /* "wall", "cpu", "gil" */
} HapProfile;

void hap_profile_free (HapProfile *self);

/* One row of the table by origin. Counts are samples. Shares are of busy = running + blocking, 0..1. */
typedef struct
{
  const HapOrigin *origin;
  guint64 running, blocking, waiting;
  double share;
} HapOriginRow;

/**
 * hap_profile_sum_origins:
 * Attributes each sample to its innermost integration; a sample with none on its stack to the most telling
 * origin of its frames (core, application, library, stdlib, in this order). Returns: (element-type
 * HapOriginRow) (transfer full): busiest first
 */
GArray *hap_profile_sum_origins (const HapProfile *self);

/* One row of the table of functions; recursion is counted once in total. Counts are samples. */
typedef struct
{
  const HapFunction *function;
  guint64 self, total;
  guint64 self_busy;
  gint hottest_line; /* where most self samples were; 0: not known */
} HapFunctionRow;

/* Returns: (element-type HapFunctionRow) (transfer full): most busy self samples first, at most @limit */
GArray *hap_profile_sum_functions (const HapProfile *self, guint limit);

/**
 * HapCallStats: what pstats and callgrind need of one function, in samples.
 * @callers: (element-type HapCallEdge)
 */
typedef struct
{
  const HapFunction *callee;
  const HapFunction *caller; /* NULL: called by a thread's root */
  guint32 thread;            /* index of the thread for a NULL caller; else 0 */
  guint64 samples;           /* samples with this edge on the stack, once a sample */
  guint64 self;              /* samples that ended in the callee, called over this edge */
} HapCallEdge;

typedef struct
{
  const HapFunction *function;
  guint64 self, total; /* total: once a sample, recursion counted once */
} HapFunctionTotals;

/* Returns: (element-type HapFunctionTotals) (transfer full): by function id */
GArray *hap_profile_sum_totals (const HapProfile *self);

/* Returns: (element-type HapCallEdge) (transfer full): sorted by callee id, caller id; distinct edges,
 * recursion counted once a sample */
GArray *hap_profile_sum_edges (const HapProfile *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapProfile, hap_profile_free)

G_END_DECLS
