/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* One run of the real command. */
typedef struct
{
  GSubprocess *process;
  GString *out;
  GString *err; /* with a terminal: all is in out */
  guint n_open;
  gboolean ended;
} ClientRun;

/* How the command is to be run. */
typedef struct
{
  const char *bus;        /* --bus=BUS; NULL: without */
  guint columns;          /* of a terminal that is all of its output; 0: pipes */
  const char *out;        /* a file for standard output; NULL: collected */
  const char *const *env; /* (nullable): "NAME=VALUE"... */
} ClientRunSetup;

/* TRUE if this system has terminals to give (/dev/pts); else the test is skipped already. */
gboolean client_run_has_terminals (void);

/* @arguments: after the options of @setup; ends with NULL */
ClientRun *client_run_start (const ClientRunSetup *setup, const char *const *arguments);

/* Runs the main context until @text was printed; fails the test if the command ends before. */
void client_run_wait_for (ClientRun *self, const char *text);
void client_run_signal (ClientRun *self, int number);

/* Runs the main context until the command ended and its output was read. Returns: its exit status */
int client_run_finish (ClientRun *self);
void client_run_free (ClientRun *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClientRun, client_run_free)

/* The columns of the widest line of @text, escape sequences aside. */
guint client_run_measure (const char *text);

G_END_DECLS
