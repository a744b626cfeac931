/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A module that loads and offers nothing.
 */

#include "config.h"

#if HAP_HAVE_PEAS_2
#include <libpeas.h>
#else
#include <libpeas/peas.h>
#endif

G_MODULE_EXPORT void peas_register_types (PeasObjectModule *module);

G_MODULE_EXPORT void
peas_register_types (PeasObjectModule *module)
{
}
