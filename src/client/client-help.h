/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client-actions.h"
#include "client-command.h"

G_BEGIN_DECLS

/* @actions: (nullable): NULL when the service cannot be asked */
void client_help_print (Client *client, GPtrArray *actions);
void client_help_print_command (Client *client, const ClientCommand *command);
void client_help_print_action (Client *client, const ClientAction *action);

G_END_DECLS
