/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tables that fit the terminal: which columns are shown, how wide, where cells are cut. What is in them is
 * left to their makers.
 */
#include "client-table.h"

#include <stdio.h>

#define GAP 2
/* Without a terminal nothing is cut, but one absurd name must not push everything aside; --json has it whole.
 */
#define MAX_CELL 200

struct _ClientTable
{
  ClientColumn *columns;
  guint n_columns;
  GPtrArray *rows; /* of char *[n_columns] */
};

ClientTable *
client_table_new (const ClientColumn *columns, guint n_columns)
{
  ClientTable *self = g_new0 (ClientTable, 1);

  self->columns = g_memdup2 (columns, n_columns * sizeof *columns);
  self->n_columns = n_columns;
  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  return self;
}

void
client_table_free (ClientTable *self)
{
  g_ptr_array_unref (self->rows);
  g_free (self->columns);
  g_free (self);
}

void
client_table_add_row (ClientTable *self, const char *const *cells)
{
  char **row = g_new0 (char *, self->n_columns + 1);

  for (guint i = 0; i < self->n_columns; i++)
    {
      g_autofree char *escaped = client_text_escape (cells[i] != NULL ? cells[i] : "");

      row[i] = client_text_fit (escaped, MAX_CELL, self->columns[i].cut);
    }
  g_ptr_array_add (self->rows, row);
}

/* The width that each column wants; 0 for a column that is not shown since all of its cells are empty. */
static guint *
measure (ClientTable *self)
{
  guint *widths = g_new0 (guint, self->n_columns);

  for (guint i = 0; i < self->n_columns; i++)
    {
      for (guint row = 0; row < self->rows->len; row++)
        {
          char **cells = g_ptr_array_index (self->rows, row);

          widths[i] = MAX (widths[i], client_text_width (cells[i]));
        }
      if (widths[i] > 0)
        widths[i] = MAX (widths[i], client_text_width (self->columns[i].heading));
    }
  return widths;
}

/* What the shown columns take; with @shrunk as little as they can. */
static guint
sum_widths (ClientTable *self, const guint *widths, gboolean shrunk)
{
  guint sum = 0;

  for (guint i = 0; i < self->n_columns; i++)
    {
      guint least = self->columns[i].shrinks_to;

      if (widths[i] == 0)
        continue;
      sum += sum > 0 ? GAP : 0;
      sum += shrunk && least > 0 ? MIN (least, widths[i]) : widths[i];
    }
  return sum;
}

static gboolean
drop_column (ClientTable *self, guint *widths)
{
  guint found = self->n_columns;

  for (guint i = 0; i < self->n_columns; i++)
    {
      if (widths[i] > 0 && self->columns[i].dispensable > 0
          && (found == self->n_columns || self->columns[i].dispensable >= self->columns[found].dispensable))
        found = i;
    }
  if (found == self->n_columns)
    return FALSE;
  widths[found] = 0;
  return TRUE;
}

/* Takes one column of the terminal from the widest table column that can spare it. */
static gboolean
shrink_column (ClientTable *self, guint *widths)
{
  guint found = self->n_columns;

  for (guint i = 0; i < self->n_columns; i++)
    {
      if (self->columns[i].shrinks_to > 0 && widths[i] > self->columns[i].shrinks_to
          && (found == self->n_columns || widths[i] > widths[found]))
        found = i;
    }
  if (found == self->n_columns)
    return FALSE;
  widths[found]--;
  return TRUE;
}

static void
append_cell (GString *line, const ClientColumn *column, const char *text, guint width, gboolean colour)
{
  g_autofree char *fitted = client_text_fit (text, width, column->cut);
  g_autofree char *styled = client_output_style (colour, column->style, fitted);
  int padding = (int)(width - client_text_width (fitted));

  g_string_append_printf (line, "%*s%s%*s", column->right ? padding : 0, "", styled,
                          column->right ? 0 : padding, "");
}

static void
append_line (ClientTable *self, GString *out, char **cells, const guint *widths, gboolean colour)
{
  gsize start = out->len;
  gsize end;

  for (guint i = 0; i < self->n_columns; i++)
    {
      ClientColumn column = self->columns[i];

      if (widths[i] == 0)
        continue;
      if (cells == NULL)
        column.style = CLIENT_STYLE_STRONG;
      if (out->len > start)
        g_string_append_printf (out, "%*s", GAP, "");
      append_cell (out, &column, cells != NULL ? cells[i] : column.heading, widths[i], colour);
    }
  for (end = out->len; end > start && out->str[end - 1] == ' '; end--)
    continue;
  g_string_truncate (out, end);
  g_string_append_c (out, '\n');
}

char *
client_table_format (ClientTable *self, guint width, gboolean colour)
{
  g_autofree guint *widths = measure (self);
  GString *out = g_string_new (NULL);

  while (width > 0 && sum_widths (self, widths, TRUE) > width && drop_column (self, widths))
    continue;
  while (width > 0 && sum_widths (self, widths, FALSE) > width && shrink_column (self, widths))
    continue;

  append_line (self, out, NULL, widths, colour);
  for (guint i = 0; i < self->rows->len; i++)
    append_line (self, out, g_ptr_array_index (self->rows, i), widths, colour);
  return g_string_free (out, FALSE);
}

void
client_table_print (ClientTable *self, Client *client)
{
  g_autofree char *text = client_table_format (self, client->width, client->colour);

  client_output_write (stdout, text);
}
