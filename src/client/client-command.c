/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sub-commands that are ours, in words: for the command line, the help, and the completion of words.
 */
#include "client-command.h"

#include <glib/gi18n.h>

static const ClientCommand commands[] = {
  { "targets", NULL, FALSE, N_ ("list the Python processes that can be profiled"), FALSE },
  { "jobs", N_ ("JOB"), TRUE, N_ ("list the jobs, or follow one and show what came out of it"), FALSE },
  { "cancel", N_ ("JOB"), FALSE, N_ ("end a job early; it keeps what it has"), FALSE },
  { "artifacts", NULL, FALSE, N_ ("list the files that jobs made"), FALSE },
  { "open", N_ ("ARTIFACT"), FALSE,
    N_ ("open a copy of a file; a part of its name means the newest that has it"), TRUE },
  { "remove", N_ ("ARTIFACT"), FALSE, N_ ("delete a file"), FALSE },
  { "version", NULL, FALSE, N_ ("the versions of this command and of the service"), FALSE },
  { NULL },
};

const ClientCommand *
client_command_list (void)
{
  return commands;
}

const ClientCommand *
client_command_find (const char *name)
{
  for (const ClientCommand *command = commands; command->name != NULL; command++)
    {
      if (g_str_equal (command->name, name))
        return command;
    }
  return NULL;
}
