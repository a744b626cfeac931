/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client-job.h"

G_BEGIN_DECLS

/* Prints what came out of a job that ended: the facts, the tables, the artifacts. */
void client_result_print (Client *client, ClientJob *job);

/* Prints the entries of a report, `aa{sv}`, as Home Assistant would log them. */
void client_result_print_report (Client *client, GVariant *entries);

G_END_DECLS
