/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-profile.h"

G_BEGIN_DECLS

/* Names as the formats that are lines of text can hold them: on one line, printable, distinct. Private to this room. */

/* Control characters, invisible ones, those that turn the direction of writing, and line separators become \x1b or \u202e. */
char *hap_label_escape (const char *text);

/* The part of a path that tells: from site-packages/, lib/pythonX.Y/ or homeassistant/ on, else the last two parts. Not unique. */
const char *hap_label_shorten (const char *path);

/**
 * hap_label_unique:
 * @used: a set made by hap_label_set_new(): what was given out before
 * @wanted: (transfer full)
 * Returns: (transfer full): @wanted, or with " #2", " #3", ... appended
 */
char *hap_label_unique (GHashTable *used, char *wanted);
GHashTable *hap_label_set_new (void);

/* Returns: (transfer full): escaped and distinct names of the threads, NULL-terminated: "MainThread" */
GStrv hap_label_threads (const HapProfile *profile);

/* The file of a row that stands for a thread in pstats and callgrind, as cProfile writes it for built-ins; its line is 0. */
#define HAP_LABEL_THREAD_FILE "~"

/* Returns: (transfer full): the names of these rows: "<thread MainThread>"; distinct from every function of the profile */
GStrv hap_label_thread_rows (const HapProfile *profile);

G_END_DECLS
