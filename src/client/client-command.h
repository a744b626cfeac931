/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is said of a sub-command that is ours, not an action's. What it does is client-commands.c's. */
typedef struct
{
  const char *name;
  const char *argument; /* its placeholder; NULL: takes none */
  gboolean optional;    /* the argument may be left out */
  const char *summary;
  gboolean has_output; /* takes --output */
} ClientCommand;

/* Ends with a name of NULL. */
const ClientCommand *client_command_list (void);
const ClientCommand *client_command_find (const char *name); /* (nullable) */

G_END_DECLS
