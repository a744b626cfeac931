/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ha-profiler, the command: the locale, then client_run().
 */
#include <glib/gi18n.h>
#include <locale.h>
#include <malloc.h>

#include "client.h"
#include "config.h"

/* GDBus takes a reply apart in a thread of its own, into many small pieces. That thread's own arena would
 * grow page by page, a system call each; the only one grows by megabytes. */
static void
tune_allocator (void)
{
#ifdef __GLIBC__
  mallopt (M_ARENA_MAX, 1);
  mallopt (M_TOP_PAD, 4 * 1024 * 1024);
#endif
}

int
main (int argc, char **argv)
{
  g_autoptr (Client) client = NULL;

  tune_allocator ();
  setlocale (LC_ALL, "");
  bindtextdomain (HAP_GETTEXT_DOMAIN, HAP_LOCALE_DIR);
  bind_textdomain_codeset (HAP_GETTEXT_DOMAIN, "UTF-8");
  textdomain (HAP_GETTEXT_DOMAIN);
  client = client_new ();
  return client_run (client, argv);
}
