/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client.h"

G_BEGIN_DECLS

/* @words: the command line after the command's name, up to the word that is being written, which is the last
 * and may be empty. Prints what it may become, a line each: the word, and after a tab what it means. */
void client_complete (Client *client, const char *const *words);

G_END_DECLS
