/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-origin.h"

G_BEGIN_DECLS

/* A function of the target. Two code objects with the same file, first line and name are one. */
typedef struct
{
  char *file;
  char *name;     /* co_name, for pstats and callgrind */
  char *qualname; /* for people; equal to name where there is none */
  gint line;      /* co_firstlineno */
  guint32 id;     /* 0, 1, 2, ... in the order of appearance */
  const HapOrigin *origin;
} HapFunction;

/**
 * HapActivity: what a thread did at a sample.
 * @HAP_ACTIVITY_RUNNING: held the GIL or was on a CPU
 * @HAP_ACTIVITY_BLOCKING: waited, in the main thread (where the event loop lives) and not in the idle loop itself: with an
 *   integration on the stack
 * @HAP_ACTIVITY_WAITING: waited elsewhere, or was idle
 */
typedef enum
{
  HAP_ACTIVITY_RUNNING,
  HAP_ACTIVITY_BLOCKING,
  HAP_ACTIVITY_WAITING,
  HAP_N_ACTIVITIES
} HapActivity;

#define HAP_CALL_TREE_NONE G_MAXUINT32

/* A node is a call path. Roots are threads: function NULL. Nodes are numbered in the order of appearance: a parent before its children. */
typedef struct
{
  guint32 parent;  /* HAP_CALL_TREE_NONE: a thread's root */
  guint32 depth;   /* 0 for a root */
  const HapFunction *function; /* NULL for a root */
  const HapOrigin *origin; /* the innermost integration on the path, else NULL */
  guint64 self[HAP_N_ACTIVITIES]; /* samples that ended here */
} HapCallNode;

/**
 * HapCallTree: samples of stacks, summed by call path, in bounded memory.
 * When @max_nodes is reached, a sample is charged to the deepest node that exists and counted as truncated.
 * At most @max_nodes functions, then "(others)"; at most @max_nodes lines, then their samples have no line; at most 4,096 threads,
 * then "(other threads)", roots not counted in @max_nodes. Texts are made valid UTF-8 of at most 4,096 bytes.
 */
typedef struct _HapCallTree HapCallTree;

HapCallTree *hap_call_tree_new (guint max_nodes);
void hap_call_tree_free (HapCallTree *self);

/* Returns: (transfer none): the interned function; it lives as long as the tree */
const HapFunction *hap_call_tree_intern (HapCallTree *self, const char *file, const char *name, const char *qualname,
                                         gint line);

/* A new root. @name: the thread's name. @main: the main thread. */
guint32 hap_call_tree_add_thread (HapCallTree *self, const char *name, guint32 tid, gboolean main);
void hap_call_tree_rename_thread (HapCallTree *self, guint32 root, const char *name);

/* The child of @parent for @function, made if need be; HAP_CALL_TREE_NONE when the tree is full. */
guint32 hap_call_tree_child (HapCallTree *self, guint32 parent, const HapFunction *function);

/* Adds @n samples that ended in @node at @line (0: not known). */
void hap_call_tree_add (HapCallTree *self, guint32 node, gint line, HapActivity activity, guint64 n);

/* Counts a sample that was charged to a shorter path. */
void hap_call_tree_count_truncated (HapCallTree *self);

guint32 hap_call_tree_get_n_nodes (HapCallTree *self);
const HapCallNode *hap_call_tree_get_node (HapCallTree *self, guint32 node);
guint32 hap_call_tree_get_n_functions (HapCallTree *self);
const HapFunction *hap_call_tree_get_function (HapCallTree *self, guint32 id);
guint64 hap_call_tree_get_n_samples (HapCallTree *self);
guint64 hap_call_tree_get_n_truncated (HapCallTree *self);

/* Samples of @node and all below it: an array as long as the tree has nodes. (transfer full) */
guint64 *hap_call_tree_get_totals (HapCallTree *self);

/* Threads: roots in the order of appearance. */
typedef struct
{
  guint32 root;
  guint32 tid;
  gboolean main;
  char *name;
} HapCallThread;
guint hap_call_tree_get_n_threads (HapCallTree *self);
const HapCallThread *hap_call_tree_get_thread (HapCallTree *self, guint index);

/* Called with each line of @function that ended samples, in ascending order of lines. */
typedef void (*HapLineFunc) (gint line, guint64 samples, gpointer data);
void hap_call_tree_foreach_line (HapCallTree *self, const HapFunction *function, HapLineFunc func, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapCallTree, hap_call_tree_free)

G_END_DECLS
