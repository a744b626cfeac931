/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns: (transfer full) (nullable): a program that asks for passwords on the terminal, for this process,
 * as long as no desktop's does; NULL: none is needed, or there is none */
GSubprocess *client_agent_start (void);

/* @agent: (transfer full) */
void client_agent_stop (GSubprocess *agent);

G_END_DECLS
