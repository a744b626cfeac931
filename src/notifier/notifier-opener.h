/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Returns: (transfer none) (nullable): the one of @names that tells a person most, for which there is an
 * application; NULL: none */
const char *notifier_opener_choose (const char *const *names);

/* Opens @file with the user's application for it. @token: (nullable): the desktop's, so that its window may
 * come to the front */
gboolean notifier_opener_open (GFile *file, const char *token, GError **error);

/* Shows the directory of @file, with @file selected where the user's file manager can. */
void notifier_opener_show_in_folder (GDBusConnection *session, GFile *file, const char *token);

G_END_DECLS
