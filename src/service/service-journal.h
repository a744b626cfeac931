/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* From now on what is logged goes to the journal where stderr is connected to it, else to stderr. */
void service_journal_install (void);

/**
 * service_journal_entry:
 * @fields: `a{sv}`: each becomes a field HAP_KEY, as text
 *
 * One entry of an action's report.
 */
void service_journal_entry (const char *action,
                            guint target,
                            gint64 start_time,
                            const char *message,
                            GVariant *fields);

/* Writes what waits, before the end. */
void service_journal_finish (void);

G_END_DECLS
