/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client-output.h"
#include "client-text.h"

G_BEGIN_DECLS

/* A column. When the terminal is too narrow, the columns of the highest @dispensable go first, then those
 * that may shrink do. */
typedef struct
{
  const char *heading;
  gboolean right;   /* aligned to the right: numbers */
  guint shrinks_to; /* columns of the terminal; 0: never shrinks */
  ClientCut cut;
  guint dispensable; /* 0: stays */
  ClientStyle style;
} ClientColumn;

typedef struct _ClientTable ClientTable;

/* @columns: copied, their headings not */
ClientTable *client_table_new (const ClientColumn *columns, guint n_columns);
void client_table_free (ClientTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClientTable, client_table_free)

/* @cells: as many as there are columns; escaped here. NULL: empty. */
void client_table_add_row (ClientTable *self, const char *const *cells);

/* Returns: (transfer full): lines, each ended; @width: 0 for without limit */
char *client_table_format (ClientTable *self, guint width, gboolean colour);

void client_table_print (ClientTable *self, Client *client);

G_END_DECLS
