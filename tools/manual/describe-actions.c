/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints what the plugins in the directory say of their actions, as the service's property Actions does: JSON. For the manual.
 */

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <stdlib.h>

#include "service-introspection.h"

int
main (int argc, char **argv)
{
  const char *const directories[] = { argv[1], NULL };
  g_autoptr (HapPluginEngine) engine = hap_plugin_engine_new (directories);
  g_autoptr (GVariant) actions = g_variant_ref_sink (service_introspection_describe_actions (engine));
  g_autofree char *text = json_gvariant_serialize_data (actions, NULL);

  puts (text);
  return EXIT_SUCCESS;
}
