/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-broker.h"

G_BEGIN_DECLS

/**
 * ThreadsSources: the source lines of the target's files, as its linecache finds them.
 */
typedef struct _ThreadsSources ThreadsSources;

ThreadsSources *threads_sources_new (void);
void threads_sources_free (ThreadsSources *self);

/* Notes a file (a co_filename; hostile), which threads_sources_load() is to read; no file but a path is. */
void threads_sources_add (ThreadsSources *self, const char *file);

/* Reads what was noted. What cannot be read has no lines: that is no error. */
void threads_sources_load (ThreadsSources *self, HapBroker *broker);

/* Returns: (transfer full) (nullable): the line, from 1 on, without blanks around it; NULL if it is not
 * known, or blank */
char *threads_sources_get_line (ThreadsSources *self, const char *file, gint line);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ThreadsSources, threads_sources_free)

G_END_DECLS
