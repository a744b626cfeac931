/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * hap_plugin_path_check:
 *
 * Returns: (transfer full) (nullable): @directory without symbolic links, when nobody can change it, what is
 * in it or in its folders, or a directory on the way to it, but root and, for their own session, whoever runs
 * us; NULL with @error
 */
char *hap_plugin_path_check (const char *directory, GError **error);

G_END_DECLS
