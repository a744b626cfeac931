/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ha-profiler, the command: the locale, then client_run().
 */
#include <glib/gi18n.h>
#include <locale.h>

#include "client.h"
#include "config.h"

int
main (int argc, char **argv)
{
  g_autoptr (Client) client = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (HAP_GETTEXT_DOMAIN, HAP_LOCALE_DIR);
  bind_textdomain_codeset (HAP_GETTEXT_DOMAIN, "UTF-8");
  textdomain (HAP_GETTEXT_DOMAIN);
  client = client_new ();
  return client_run (client, argv);
}
