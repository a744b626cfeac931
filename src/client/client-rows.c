/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables made from arrays of dictionaries, the form in which the service lists anything: known ones with
 * columns that were thought about, others with a column for each key.
 */
#include "client-rows.h"

#include <glib/gi18n.h>
#include <math.h>

#include "client-format.h"

#define BAR_WIDTH 10
#define MAX_FIELDS 12
#define MIN_TEXT 10

typedef struct
{
  GVariant *row;
  double weight;
  gsize position;
} Ranked;

static void
clear_ranked (gpointer data)
{
  g_variant_unref (((Ranked *)data)->row);
}

static int
compare_ranked (gconstpointer a, gconstpointer b)
{
  const Ranked *first = a;
  const Ranked *second = b;

  if (first->weight != second->weight)
    return first->weight < second->weight ? 1 : -1;
  return (first->position > second->position) - (first->position < second->position);
}

/* Returns: (transfer full): a stable order, the greatest first where @order says of what */
static GArray *
rank (GVariant *rows, const char *order)
{
  GArray *ranked = g_array_new (FALSE, FALSE, sizeof (Ranked));
  gsize n = g_variant_n_children (rows);

  g_array_set_clear_func (ranked, clear_ranked);
  for (gsize i = 0; i < n; i++)
    {
      Ranked item = { .row = g_variant_get_child_value (rows, i), .weight = 0, .position = i };

      if (order != NULL && (!client_lookup_number (item.row, order, &item.weight) || isnan (item.weight)))
        item.weight = -INFINITY;
      g_array_append_val (ranked, item);
    }
  if (order != NULL)
    g_array_sort (ranked, compare_ranked);
  return ranked;
}

/* How many rows to show: of what has a limit also none that counts for nothing, as long as others do. */
static guint
count_shown (GArray *ranked, guint limit)
{
  guint shown = MIN (limit, ranked->len);

  if (limit == 0)
    return ranked->len;
  while (shown > 1 && g_array_index (ranked, Ranked, 0).weight > 0
         && g_array_index (ranked, Ranked, shown - 1).weight <= 0)
    shown--;
  return shown;
}

static char *
make_cell (const ClientField *field, GVariant *row)
{
  g_autoptr (GVariant) value = NULL;

  if (field->cell != NULL)
    return field->cell (row, field->key);
  value = g_variant_lookup_value (row, field->key, NULL);
  return value != NULL ? client_format_fact (field->key, value) : NULL;
}

static void
add_row (ClientTable *table, const ClientField *fields, guint n_fields, GVariant *row)
{
  g_auto (GStrv) cells = g_new0 (char *, n_fields + 1);

  for (guint i = 0; i < n_fields; i++)
    {
      g_autofree char *cell = make_cell (&fields[i], row);

      cells[i] = g_strdup (cell != NULL ? cell : "");
    }
  client_table_add_row (table, (const char *const *)cells);
}

void
client_rows_print (Client *client, GVariant *rows, const ClientField *fields, const char *order, guint limit)
{
  g_autoptr (GArray) columns = g_array_new (FALSE, FALSE, sizeof (ClientColumn));
  g_autoptr (GArray) ranked = rank (rows, order);
  g_autoptr (ClientTable) table = NULL;
  guint shown = count_shown (ranked, limit);

  for (guint i = 0; fields[i].key != NULL; i++)
    {
      ClientColumn column = fields[i].column;

      column.heading = column.heading[0] != '\0' ? _ (column.heading) : "";
      g_array_append_val (columns, column);
    }
  table = client_table_new ((const ClientColumn *)columns->data, columns->len);
  for (guint i = 0; i < shown; i++)
    add_row (table, fields, columns->len, g_array_index (ranked, Ranked, i).row);
  client_table_print (table, client);
  if (shown < ranked->len)
    client_output_print (
        client, CLIENT_STYLE_FAINT,
        ngettext ("… and %u more (--json has it)", "… and %u more (--json has them)", ranked->len - shown),
        ranked->len - shown);
}

static gboolean
has_field (const ClientField *fields, guint n, const char *key)
{
  for (guint i = 0; i < n; i++)
    {
      if (g_str_equal (fields[i].key, key))
        return TRUE;
    }
  return FALSE;
}

/* "running_seconds": "RUNNING SECONDS". Interned: the same few keys come again and again. */
static const char *
make_heading (const char *key)
{
  g_autofree char *upper = g_utf8_strup (key, -1);
  g_autofree char *escaped = client_text_escape (g_strdelimit (upper, "_", ' '));
  g_autofree char *fitted = client_text_fit (escaped, 24, CLIENT_CUT_END);

  return g_intern_string (fitted);
}

static ClientField
make_field (const char *key, GVariant *value, guint position)
{
  double number;
  gboolean numeric = client_variant_get_number (value, &number);

  return (ClientField){ .key = g_intern_string (key),
                        .column = { .heading = make_heading (key),
                                    .right = numeric,
                                    .shrinks_to = numeric ? 0 : MIN_TEXT,
                                    .dispensable = position } };
}

void
client_rows_print_any (Client *client, GVariant *rows, guint limit)
{
  ClientField fields[MAX_FIELDS + 1] = { 0 };
  g_autoptr (GVariant) first = NULL;
  guint n = 0;
  GVariantIter iterator;
  const char *key;
  GVariant *value;

  if (g_variant_n_children (rows) == 0)
    return;
  /* The first row stands for all: what has a list has it of one kind. */
  first = g_variant_get_child_value (rows, 0);
  g_variant_iter_init (&iterator, first);
  while (g_variant_iter_loop (&iterator, "{&sv}", &key, &value))
    {
      if (n < MAX_FIELDS && !has_field (fields, n, key))
        {
          fields[n] = make_field (key, value, n);
          n++;
        }
    }
  if (n > 0)
    client_rows_print (client, rows, fields, NULL, limit);
}

char *
client_rows_bar (GVariant *row, const char *key)
{
  static const char *const parts[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
  gboolean utf8 = client_text_is_utf8 ();
  GString *bar = g_string_new (NULL);
  double share;
  guint eighths;

  if (!client_lookup_number (row, key, &share) || !(share > 0))
    return g_string_free (bar, FALSE);
  eighths = (guint)(MIN (share, 1) * BAR_WIDTH * 8 + 0.5);
  for (guint i = 0; i < eighths / 8; i++)
    g_string_append (bar, utf8 ? "█" : "#");
  if (utf8)
    g_string_append (bar, parts[eighths % 8]);
  return g_string_free (bar, FALSE);
}
