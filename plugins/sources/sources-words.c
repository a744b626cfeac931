/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One object in words: where it was written, or who holds it; what it is; and which integration is answerable
 * for it.
 */

#include "sources-words.h"

#include <string.h>

#include "py-heap-chain.h"
#include "py-objects.h"
#include "py-repr.h"
#include "py-source-file.h"

#define MAX_ATTRIBUTES 20
#define MAX_REPR 1000 /* characters */

static char *
cut (char *text)
{
  if (g_utf8_strlen (text, -1) > MAX_REPR)
    {
      char *end = g_utf8_offset_to_pointer (text, MAX_REPR - 1);
      char *shorter = g_strdup_printf ("%.*s…", (int)(end - text), text);

      g_free (text);
      return shorter;
    }
  return text;
}

typedef struct
{
  PyInspector *inspector;
  GString *text;
} Attributes;

static gboolean
on_attribute (const char *name, guint64 value, gpointer data)
{
  Attributes *self = data;

  g_string_append_printf (self->text, "%s%s=", self->text->len > 0 ? ", " : "", name);
  py_repr_append_short (self->inspector, self->text, value);
  return self->text->len < MAX_REPR;
}

/* What says no more than its type says its attributes, too. */
static char *
describe (PyHeap *heap, guint32 index)
{
  PyInspector *inspector = py_heap_get_inspector (heap);
  guint64 address = py_heap_get_address (heap, index);
  g_autoptr (GString) attributes = g_string_new (NULL);
  g_autofree char *own = g_strdup_printf (" object at 0x%" G_GINT64_MODIFIER "x>", address);
  char *repr = py_repr (inspector, address);

  if (g_str_has_suffix (repr, own))
    py_inspector_foreach_attribute (inspector, address, MAX_ATTRIBUTES, on_attribute,
                                    &(Attributes){ inspector, attributes });
  if (attributes->len > 0)
    {
      char *both = g_strdup_printf ("%.*s %s>", (int)strlen (repr) - 1, repr, attributes->str);

      g_free (repr);
      repr = both;
    }
  return cut (repr);
}

/* objgraph.find_backref_chain() with Home Assistant's condition: the first who is another, and the object. */
static char *
describe_chain (PyHeap *heap, guint32 index, const char *repr)
{
  GString *list = g_string_new ("[");
  guint32 n;
  const guint32 *referrers = py_heap_get_referrers (heap, index, &n);

  for (guint32 i = 0; i < n; i++)
    if (referrers[i] != index)
      {
        g_autofree char *holder = describe (heap, referrers[i]);

        py_repr_append_text (list, holder);
        g_string_append (list, ", ");
        break;
      }
  py_repr_append_text (list, repr);
  g_string_append_c (list, ']');
  return g_string_free (list, FALSE);
}

void
sources_words_find (SourcesWords *self, PyHeap *heap, const PyHeapOwners *owners, guint32 index)
{
  self->repr = describe (heap, index);
  self->where = py_source_file (py_heap_get_inspector (heap), py_heap_get_address (heap, index));
  if (self->where == NULL)
    self->where = describe_chain (heap, index, self->repr);
  self->origin = py_heap_owners_get (owners, index);
  self->held_by = py_heap_describe_holders (owners, heap, index);
}

void
sources_words_clear (SourcesWords *self)
{
  g_clear_pointer (&self->where, g_free);
  g_clear_pointer (&self->repr, g_free);
  g_clear_pointer (&self->held_by, g_free);
}
