/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "client-error.h"

G_BEGIN_DECLS

/* What Ctrl-C does instead of cancelling the call that runs. */
typedef void (*ClientInterruptFunc) (gpointer data);

/* One run of the command: what was asked for, where it prints, the bus. */
typedef struct
{
  char *bus;  /* "system", "session" or an address */
  char *host; /* another machine, as ssh takes it; NULL: this one */
  gboolean json;
  gboolean quiet;
  gboolean help;
  gboolean version;
  gboolean no_wait;
  gboolean unattended; /* nobody is there to be asked for a password */
  char *output_dir;
  char *output;

  gboolean colour;
  guint width; /* of standard output in columns; 0: without limit */

  GDBusConnection *connection;
  GSubprocess *agent; /* that asks for passwords; NULL: none */
  GCancellable *cancellable;
  ClientInterruptFunc interrupt;
  gpointer interrupt_data;
  guint n_interrupts;
  guint signals[2];
} Client;

Client *client_new (void);
void client_free (Client *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_free)

/* Returns: the exit status of the whole run; prints everything, errors too. */
int client_run (Client *self, char **argv);

G_END_DECLS
