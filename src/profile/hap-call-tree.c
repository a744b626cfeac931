/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples of stacks summed by call path.
 *
 * Owns nodes, functions, threads and the samples of each line, all bounded. Knows nothing of Python or of
 * time: sums over the finished tree are hap-profile's. Finding a child allocates nothing unless a table has
 * to grow. */
#include "hap-call-tree.h"

#include <string.h>

#define NODES_PER_CHUNK 4096
#define MAX_THREADS 4096
#define MAX_TEXT 4096 /* bytes of a file's or a function's name */

typedef struct
{
  HapFunction pub;
  guint32 first_line; /* index of a HapLine, or NONE */
} HapFunctionSlot;

typedef struct
{
  guint32 function;
  gint line;
  guint32 next; /* another line of the function, or NONE */
  guint64 samples;
} HapLine;

/* Open addressing: indices of nodes or lines, found by a pair of numbers that the owner reads from the
 * element. */
typedef struct
{
  guint32 *slots;
  guint32 mask;
  guint32 used;
} HapIndex;

struct _HapCallTree
{
  guint32 max_nodes;
  guint64 seed; /* a target that picks its functions cannot pick its collisions */
  GPtrArray *chunks;
  guint32 n_nodes;
  HapIndex children;
  GArray *lines;
  HapIndex line_index;
  GPtrArray *functions;
  GHashTable *function_set;
  GArray *threads;
  guint64 n_samples;
  guint64 n_truncated;
};

static void
index_init (HapIndex *self)
{
  self->mask = 1023;
  self->used = 0;
  self->slots = g_malloc (sizeof (guint32) * (self->mask + 1));
  memset (self->slots, 0xff, sizeof (guint32) * (self->mask + 1));
}

static inline guint32
hash_pair (const HapCallTree *self, guint32 a, guint32 b)
{
  guint64 x = (((guint64)a << 32) | b) ^ self->seed;

  x ^= x >> 33;
  x *= G_GUINT64_CONSTANT (0xff51afd7ed558ccd);
  x ^= x >> 33;
  x *= G_GUINT64_CONSTANT (0xc4ceb9fe1a85ec53);
  return (guint32)(x ^ (x >> 33));
}

static inline HapCallNode *
node_at (const HapCallTree *self, guint32 node)
{
  HapCallNode *chunk = g_ptr_array_index (self->chunks, node / NODES_PER_CHUNK);

  return chunk + node % NODES_PER_CHUNK;
}

static inline HapLine *
line_at (const HapCallTree *self, guint32 line)
{
  return &g_array_index (self->lines, HapLine, line);
}

static void
index_put (HapIndex *self, guint32 hash, guint32 value)
{
  guint32 slot = hash & self->mask;

  while (self->slots[slot] != HAP_CALL_TREE_NONE)
    slot = (slot + 1) & self->mask;
  self->slots[slot] = value;
  self->used++;
}

typedef guint32 (*HapRehashFunc) (const HapCallTree *tree, guint32 value);

static guint32
rehash_child (const HapCallTree *self, guint32 node)
{
  return hash_pair (self, node_at (self, node)->parent, node_at (self, node)->function->id);
}

static guint32
rehash_line (const HapCallTree *self, guint32 line)
{
  return hash_pair (self, line_at (self, line)->function, (guint32)line_at (self, line)->line);
}

/* Keeps at least half of the slots free. */
static void
index_reserve (HapIndex *self, const HapCallTree *tree, HapRehashFunc rehash)
{
  g_autofree guint32 *old = NULL;
  guint32 n_old = self->mask + 1;

  if (self->used < n_old / 2)
    return;
  old = g_steal_pointer (&self->slots);
  self->mask = n_old * 2 - 1;
  self->used = 0;
  self->slots = g_malloc (sizeof (guint32) * ((gsize)self->mask + 1));
  memset (self->slots, 0xff, sizeof (guint32) * ((gsize)self->mask + 1));
  for (guint32 i = 0; i < n_old; i++)
    if (old[i] != HAP_CALL_TREE_NONE)
      index_put (self, rehash (tree, old[i]), old[i]);
}

static guint
function_hash (gconstpointer key)
{
  const HapFunction *function = key;

  return (g_str_hash (function->file) * 31 + g_str_hash (function->name)) * 31 + (guint)function->line;
}

static gboolean
function_equal (gconstpointer a, gconstpointer b)
{
  const HapFunction *x = a, *y = b;

  return x->line == y->line && strcmp (x->name, y->name) == 0 && strcmp (x->file, y->file) == 0;
}

static void
function_free (gpointer data)
{
  HapFunctionSlot *slot = data;

  g_free (slot->pub.file);
  g_free (slot->pub.name);
  g_free (slot->pub.qualname);
  g_free (slot);
}

static void
thread_clear (gpointer data)
{
  HapCallThread *thread = data;

  g_free (thread->name);
}

HapCallTree *
hap_call_tree_new (guint max_nodes)
{
  HapCallTree *self = g_new0 (HapCallTree, 1);

  self->max_nodes = CLAMP (max_nodes, 1, G_MAXINT32 / 4);
  self->seed = ((guint64)g_random_int () << 32) | g_random_int ();
  self->chunks = g_ptr_array_new_with_free_func (g_free);
  self->lines = g_array_new (FALSE, FALSE, sizeof (HapLine));
  self->functions = g_ptr_array_new_with_free_func (function_free);
  self->function_set = g_hash_table_new (function_hash, function_equal);
  self->threads = g_array_new (FALSE, FALSE, sizeof (HapCallThread));
  g_array_set_clear_func (self->threads, thread_clear);
  index_init (&self->children);
  index_init (&self->line_index);
  return self;
}

void
hap_call_tree_free (HapCallTree *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->chunks);
  g_array_unref (self->lines);
  g_hash_table_unref (self->function_set);
  g_ptr_array_unref (self->functions);
  g_array_unref (self->threads);
  g_free (self->children.slots);
  g_free (self->line_index.slots);
  g_free (self);
}

/* Valid UTF-8 of bounded length: what the writers rely on */
static char *
clean_text (const char *text)
{
  gsize length = strlen (text);
  g_autofree char *head = NULL;

  if (length <= MAX_TEXT)
    return g_utf8_make_valid (text, (gssize)length);
  length = MAX_TEXT;
  while (length > 0 && (text[length] & 0xc0) == 0x80)
    length--;
  head = g_utf8_make_valid (text, (gssize)length);
  return g_strconcat (head, "…", NULL);
}

/* Takes the texts of @function. */
static const HapFunction *
add_function (HapCallTree *self, const HapFunction *function, const char *qualname)
{
  HapFunctionSlot *slot = g_new0 (HapFunctionSlot, 1);

  slot->pub = *function;
  slot->pub.qualname = clean_text (qualname != NULL && qualname[0] != '\0' ? qualname : function->name);
  slot->pub.origin = hap_origin_of_file (function->file);
  slot->pub.id = self->functions->len;
  slot->first_line = HAP_CALL_TREE_NONE;
  g_ptr_array_add (self->functions, slot);
  g_hash_table_add (self->function_set, slot);
  return &slot->pub;
}

/* The function that stands for all that did not fit: one more than the limit */
static const HapFunction *
intern_others (HapCallTree *self)
{
  HapFunction others = { .file = (char *)"", .name = (char *)"(others)" };
  HapFunctionSlot *slot = g_hash_table_lookup (self->function_set, &others);

  if (slot != NULL)
    return &slot->pub;
  others.file = g_strdup (others.file);
  others.name = g_strdup (others.name);
  return add_function (self, &others, NULL);
}

const HapFunction *
hap_call_tree_intern (HapCallTree *self, const char *file, const char *name, const char *qualname, gint line)
{
  HapFunctionSlot *slot;
  HapFunction wanted = { 0 };

  g_return_val_if_fail (file != NULL && name != NULL, NULL);

  wanted.file = clean_text (file);
  wanted.name = clean_text (name);
  wanted.line = MAX (line, 0);
  slot = g_hash_table_lookup (self->function_set, &wanted);
  if (slot != NULL)
    {
      g_free (wanted.file);
      g_free (wanted.name);
      return &slot->pub;
    }
  if (self->functions->len >= self->max_nodes)
    {
      g_free (wanted.file);
      g_free (wanted.name);
      return intern_others (self);
    }
  return add_function (self, &wanted, qualname);
}

static guint32
append_node (HapCallTree *self,
             guint32 parent,
             guint32 depth,
             const HapFunction *function,
             const HapOrigin *origin)
{
  guint32 id = self->n_nodes;

  if (id % NODES_PER_CHUNK == 0)
    g_ptr_array_add (self->chunks, g_new (HapCallNode, NODES_PER_CHUNK));
  self->n_nodes++;
  *node_at (self, id) =
      (HapCallNode){ .parent = parent, .depth = depth, .function = function, .origin = origin };
  return id;
}

guint32
hap_call_tree_add_thread (HapCallTree *self, const char *name, guint32 tid, gboolean main)
{
  HapCallThread thread = { .tid = tid, .main = main };

  if (self->threads->len > MAX_THREADS)
    return g_array_index (self->threads, HapCallThread, MAX_THREADS).root;
  if (self->threads->len == MAX_THREADS)
    {
      thread.tid = 0;
      thread.main = FALSE;
      name = "(other threads)";
    }
  thread.root = append_node (self, HAP_CALL_TREE_NONE, 0, NULL, NULL);
  thread.name = clean_text (name != NULL ? name : "");
  g_array_append_val (self->threads, thread);
  return thread.root;
}

void
hap_call_tree_rename_thread (HapCallTree *self, guint32 root, const char *name)
{
  for (guint i = 0; i < MIN (self->threads->len, MAX_THREADS); i++)
    {
      HapCallThread *thread = &g_array_index (self->threads, HapCallThread, i);

      if (thread->root != root)
        continue;
      g_free (thread->name);
      thread->name = clean_text (name);
      return;
    }
}

guint32
hap_call_tree_child (HapCallTree *self, guint32 parent, const HapFunction *function)
{
  const HapCallNode *above;
  const HapOrigin *origin;
  guint32 hash, slot, id;

  g_return_val_if_fail (parent < self->n_nodes && function != NULL, HAP_CALL_TREE_NONE);

  hash = hash_pair (self, parent, function->id);
  for (slot = hash & self->children.mask; (id = self->children.slots[slot]) != HAP_CALL_TREE_NONE;
       slot = (slot + 1) & self->children.mask)
    if (node_at (self, id)->parent == parent && node_at (self, id)->function == function)
      return id;
  if (self->children.used >= self->max_nodes)
    return HAP_CALL_TREE_NONE;

  above = node_at (self, parent);
  origin = HAP_ORIGIN_IS_INTEGRATION (function->origin->kind) ? function->origin : above->origin;
  index_reserve (&self->children, self, rehash_child);
  id = append_node (self, parent, above->depth + 1, function, origin);
  index_put (&self->children, hash, id);
  return id;
}

static void
add_line (HapCallTree *self, const HapFunction *function, gint line, guint64 n)
{
  HapFunctionSlot *slot = g_ptr_array_index (self->functions, function->id);
  HapLine added = { function->id, line, slot->first_line, n };
  guint32 hash = hash_pair (self, function->id, (guint32)line);
  guint32 id;

  for (guint32 i = hash & self->line_index.mask; (id = self->line_index.slots[i]) != HAP_CALL_TREE_NONE;
       i = (i + 1) & self->line_index.mask)
    if (line_at (self, id)->function == function->id && line_at (self, id)->line == line)
      {
        line_at (self, id)->samples += n;
        return;
      }
  if (self->lines->len >= self->max_nodes)
    return;
  index_reserve (&self->line_index, self, rehash_line);
  slot->first_line = self->lines->len;
  index_put (&self->line_index, hash, self->lines->len);
  g_array_append_val (self->lines, added);
}

void
hap_call_tree_add (HapCallTree *self, guint32 node, gint line, HapActivity activity, guint64 n)
{
  HapCallNode *to;

  g_return_if_fail (node < self->n_nodes && (guint)activity < HAP_N_ACTIVITIES);

  to = node_at (self, node);
  to->self[activity] += n;
  self->n_samples += n;
  if (to->function != NULL && line > 0 && n > 0)
    add_line (self, to->function, line, n);
}

void
hap_call_tree_count_truncated (HapCallTree *self)
{
  self->n_truncated++;
}

guint32
hap_call_tree_get_n_nodes (HapCallTree *self)
{
  return self->n_nodes;
}

const HapCallNode *
hap_call_tree_get_node (HapCallTree *self, guint32 node)
{
  g_return_val_if_fail (node < self->n_nodes, NULL);
  return node_at (self, node);
}

guint32
hap_call_tree_get_n_functions (HapCallTree *self)
{
  return self->functions->len;
}

const HapFunction *
hap_call_tree_get_function (HapCallTree *self, guint32 id)
{
  g_return_val_if_fail (id < self->functions->len, NULL);
  return g_ptr_array_index (self->functions, id);
}

guint64
hap_call_tree_get_n_samples (HapCallTree *self)
{
  return self->n_samples;
}

guint64
hap_call_tree_get_n_truncated (HapCallTree *self)
{
  return self->n_truncated;
}

guint64 *
hap_call_tree_get_totals (HapCallTree *self)
{
  guint64 *totals = g_new0 (guint64, MAX (self->n_nodes, 1));

  /* Children come after their parents: one walk backwards carries everything up. */
  for (guint32 i = self->n_nodes; i-- > 0;)
    {
      const HapCallNode *node = node_at (self, i);

      for (guint a = 0; a < HAP_N_ACTIVITIES; a++)
        totals[i] += node->self[a];
      if (node->parent != HAP_CALL_TREE_NONE)
        totals[node->parent] += totals[i];
    }
  return totals;
}

guint
hap_call_tree_get_n_threads (HapCallTree *self)
{
  return self->threads->len;
}

const HapCallThread *
hap_call_tree_get_thread (HapCallTree *self, guint index)
{
  g_return_val_if_fail (index < self->threads->len, NULL);
  return &g_array_index (self->threads, HapCallThread, index);
}

static gint
compare_lines (gconstpointer a, gconstpointer b)
{
  const HapLine *x = a, *y = b;

  return (x->line > y->line) - (x->line < y->line);
}

void
hap_call_tree_foreach_line (HapCallTree *self, const HapFunction *function, HapLineFunc func, gpointer data)
{
  const HapFunctionSlot *slot = g_ptr_array_index (self->functions, function->id);
  g_autoptr (GArray) lines = g_array_new (FALSE, FALSE, sizeof (HapLine));

  for (guint32 i = slot->first_line; i != HAP_CALL_TREE_NONE; i = line_at (self, i)->next)
    g_array_append_val (lines, *line_at (self, i));
  g_array_sort (lines, compare_lines);
  for (guint i = 0; i < lines->len; i++)
    func (g_array_index (lines, HapLine, i).line, g_array_index (lines, HapLine, i).samples, data);
}
