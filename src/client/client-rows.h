/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client-table.h"

G_BEGIN_DECLS

/* Returns: (transfer full) (nullable): the cell of @row, `a{sv}`, for the column of @key. */
typedef char *(*ClientCellFunc) (GVariant *row, const char *key);

/* A column of a table that is made from dictionaries. */
typedef struct
{
  const char *key;
  ClientCellFunc cell; /* NULL: client_format_fact() of the value */
  ClientColumn column;
} ClientField;

/**
 * client_rows_print:
 * @rows: `aa{sv}`
 * @fields: ends with a key of NULL
 * @order: (nullable): the key of a number; the greatest comes first
 * @limit: rows to show at most, with a line that counts the others, and of those without any of @order none;
 * 0: all
 */
void
client_rows_print (Client *client, GVariant *rows, const ClientField *fields, const char *order, guint limit);

/* The same with columns made from the keys that the rows have. */
void client_rows_print_any (Client *client, GVariant *rows, guint limit);

/* Cells for ClientField. */
char *client_rows_bar (GVariant *row, const char *key);

G_END_DECLS
