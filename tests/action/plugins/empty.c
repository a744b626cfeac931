/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A module that loads and offers nothing.
 */

#include <gmodule.h>

G_MODULE_EXPORT void peas_register_types (gpointer module);

G_MODULE_EXPORT void
peas_register_types (gpointer module)
{
}
