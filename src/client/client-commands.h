/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client-actions.h"

G_BEGIN_DECLS

typedef gboolean (*ClientCommandFunc) (Client *client, const char *argument, GError **error);

/* A sub-command that is ours, not an action's. */
typedef struct
{
  const char *name;
  const char *argument; /* its placeholder; NULL: takes none */
  gboolean optional;    /* the argument may be left out */
  const char *summary;
  ClientCommandFunc run;
  gboolean has_output; /* takes --output */
} ClientCommand;

/* Ends with a name of NULL. */
const ClientCommand *client_commands_list (void);
gboolean client_commands_is_builtin (const char *name);

/* Follows a job that somebody started, then prints it. */
gboolean client_commands_watch_job (Client *client, const char *name, GError **error);

G_END_DECLS
