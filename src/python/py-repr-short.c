/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * reprlib.repr(): what is long is cut, with Home Assistant's limits. How an object prints in full is
 * py-repr.c's.
 */

#include "py-objects.h"
#include "py-repr-private.h"

#define MAX_NAME 1000
#define MAX_ITEMS 4096

/* reprlib.Repr's limits; maxother as Home Assistant sets it */
#define SHORT_LEVEL 6
#define SHORT_ITEMS 6
#define SHORT_DICT 4
#define SHORT_INT 40
#define SHORT_OTHER 300

/* Leaves out the middle of what was appended since @start, if it is longer than @max characters. */
static void
cut (GString *text, gsize start, glong max)
{
  glong left = (max - 3) / 2, right = max - 3 - left;
  glong n = g_utf8_strlen (text->str + start, -1);
  gsize from, to;

  if (n <= max)
    return;
  from = g_utf8_offset_to_pointer (text->str + start, left) - text->str;
  to = g_utf8_offset_to_pointer (text->str + start, n - right) - text->str;
  g_string_erase (text, from, to - from);
  g_string_insert (text, from, "...");
}

/* One key of a dict or item of a set, for sorting. */
typedef struct
{
  guint64 key, value;
  char *text; /* if it is a str */
  gint64 number;
  gboolean is_number;
} Item;

static void
item_clear (gpointer data)
{
  g_free (((Item *)data)->text);
}

static gint
compare_items (gconstpointer a, gconstpointer b)
{
  const Item *x = a, *y = b;

  if (x->text != NULL)
    return strcmp (x->text, y->text);
  return x->number < y->number ? -1 : x->number > y->number;
}

typedef struct
{
  PyPrinter *printer;
  GArray *items;
} Collector;

static gboolean
on_item (guint64 key, guint64 value, gpointer data)
{
  Collector *collector = data;
  PyRuntime *runtime = collector->printer->runtime;
  Item item = { .key = key, .value = value };

  item.text = py_object_get_string (runtime, key, MAX_NAME);
  item.is_number = item.text == NULL && py_object_get_int (runtime, key, &item.number);
  g_array_append_val (collector->items, item);
  return TRUE;
}

/* As reprlib does: in their order if all of one kind that has one, else as they lie. */
static void
sort_items (GArray *items)
{
  gsize n_texts = 0, n_numbers = 0;

  for (guint i = 0; i < items->len; i++)
    {
      n_texts += g_array_index (items, Item, i).text != NULL;
      n_numbers += g_array_index (items, Item, i).is_number;
    }
  if (n_texts == items->len || n_numbers == items->len)
    g_array_sort (items, compare_items);
}

static void print_short (PyPrinter *self, guint64 object, gint level);

static void
print_short_sorted (PyPrinter *self, guint64 object, gboolean is_dict, gint level)
{
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (Item));
  Collector collector = { self, items };
  guint max = is_dict ? SHORT_DICT : SHORT_ITEMS;

  g_array_set_clear_func (items, item_clear);
  if (is_dict)
    py_dict_foreach (self->runtime, object, MAX_ITEMS, on_item, &collector);
  else
    {
      g_autoptr (GArray) members = py_inspector_get_items (self->inspector, object, MAX_ITEMS, NULL);

      for (guint i = 0; members != NULL && i < members->len; i++)
        on_item (g_array_index (members, guint64, i), 0, &collector);
    }
  sort_items (items);

  if (level <= 0 && items->len > 0)
    {
      g_string_append (self->text, "...");
      return;
    }
  for (guint i = 0; i < MIN (items->len, max); i++)
    {
      const Item *item = &g_array_index (items, Item, i);

      g_string_append (self->text, i > 0 ? ", " : "");
      print_short (self, item->key, level - 1);
      if (is_dict)
        {
          g_string_append (self->text, ": ");
          print_short (self, item->value, level - 1);
        }
    }
  if (items->len > max)
    g_string_append (self->text, ", ...");
}

/* TRUE if there was exactly one. */
static gboolean
print_short_items (PyPrinter *self, guint64 object, gint level)
{
  guint64 n = 0;
  g_autoptr (GArray) items = py_inspector_get_items (self->inspector, object, SHORT_ITEMS, &n);

  if (level <= 0 && n > 0)
    {
      g_string_append (self->text, "...");
      return FALSE;
    }
  for (guint i = 0; items != NULL && i < items->len; i++)
    {
      g_string_append (self->text, i > 0 ? ", " : "");
      print_short (self, g_array_index (items, guint64, i), level - 1);
    }
  if (n > SHORT_ITEMS)
    g_string_append (self->text, ", ...");
  return n == 1;
}

static const char *
get_builtin_name (const PyClass *class)
{
  gboolean known =
      strcmp (class->module, "builtins") == 0 || strcmp (class->c_name, "collections.deque") == 0;

  return known ? class->c_name : "";
}

/* What reprlib knows how to shorten; FALSE: another class. */
static gboolean
print_short_container (PyPrinter *self, const char *name, guint64 object, gint level)
{
  static const struct
  {
    const char *name, *open, *close;
    gboolean sorted, dict;
  } kinds[] = {
    { "tuple", "(", ")", FALSE, FALSE },
    { "list", "[", "]", FALSE, FALSE },
    { "collections.deque", "deque([", "])", FALSE, FALSE },
    { "dict", "{", "}", TRUE, TRUE },
    { "set", "{", "}", TRUE, FALSE },
    { "frozenset", "frozenset({", "})", TRUE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (strcmp (kinds[i].name, name) != 0)
        continue;
      /* "set()" */
      if (kinds[i].sorted && !kinds[i].dict
          && py_inspector_read (self->inspector, object + self->layout->set_used) == 0)
        return FALSE;
      g_string_append (self->text, kinds[i].open);
      if (kinds[i].sorted)
        print_short_sorted (self, object, kinds[i].dict, level);
      else if (print_short_items (self, object, level) && i == 0)
        g_string_append_c (self->text, ',');
      g_string_append (self->text, kinds[i].close);
      return TRUE;
    }
  return FALSE;
}

/* reprlib.Repr.repr1(): containers by their names, all else cut. */
static void
print_short (PyPrinter *self, guint64 object, gint level)
{
  const PyClass *class = py_inspector_get_class (self->inspector, object);
  const char *name = class != NULL ? get_builtin_name (class) : "";
  gsize start = self->text->len;

  if (self->n_objects++ >= PY_REPR_MAX_OBJECTS)
    g_string_append (self->text, "...");
  else if (strcmp (name, "str") == 0)
    py_print_string_short (self, object);
  else if (!print_short_container (self, name, object, level))
    {
      py_print (self, object);
      cut (self->text, start, strcmp (name, "int") == 0 ? SHORT_INT : SHORT_OTHER);
    }
}

void
py_print_short (PyPrinter *self, guint64 object)
{
  print_short (self, object, SHORT_LEVEL);
}
