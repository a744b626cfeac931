/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The help pages: the whole command's, each sub-command's, and each action's from its description.
 */
#include "client-help.h"

#include <glib/gi18n.h>

#include "client-output.h"
#include "client-text.h"

#define TERM_COLUMN 2
#define HELP_COLUMN 26
/* Lines longer than this are hard to read. */
#define MAX_WIDTH 100

static guint
get_width (Client *client)
{
  return client->width > 0 ? MIN (client->width, MAX_WIDTH) : 80;
}

static void
print_heading (Client *client, const char *text)
{
  fputc ('\n', stdout);
  client_output_print (client, CLIENT_STYLE_STRONG, "%s", text);
}

static void
print_text (Client *client, const char *text)
{
  g_autofree char *escaped = client_text_escape_lines (text);
  g_autofree char *wrapped = client_text_wrap (escaped, get_width (client), 0);

  client_output_print (client, CLIENT_STYLE_PLAIN, "%s", wrapped);
}

/* A term on the left, its help on the right, or below where the terminal is narrow or the term long. */
static void
print_item (Client *client, const char *term, const char *help)
{
  guint width = get_width (client);
  guint column = width >= 60 ? HELP_COLUMN : TERM_COLUMN + 4;
  g_autofree char *left = client_text_escape (term);
  g_autofree char *escaped = client_text_escape (help);
  g_autofree char *right = client_text_wrap (escaped, width, column);
  guint used = TERM_COLUMN + client_text_width (left);

  if (used + 2 > column)
    client_output_print (client, CLIENT_STYLE_PLAIN, "%*s%s\n%*s%s", TERM_COLUMN, "", left, (int)column, "",
                         right);
  else
    client_output_print (client, CLIENT_STYLE_PLAIN, "%*s%s%*s%s", TERM_COLUMN, "", left,
                         (int)(column - used), "", right);
}

static void
print_general_options (Client *client)
{
  print_heading (client, _ ("General options"));
  print_item (client, "--bus BUS",
              _ ("system (default), session for your own processes, or the address of a bus"));
  print_item (client, "--host HOST", _ ("another machine, through ssh: user@machine"));
  print_item (client, "--json", _ ("print one JSON document, for scripts"));
  print_item (client, "-q, --quiet", _ ("no progress and no remarks"));
  print_item (client, "-h, --help", _ ("this help; after a command: the command's"));
  print_item (client, "--version", _ ("the version of this command"));
}

static void
print_statuses (Client *client)
{
  print_heading (client, _ ("Exit status"));
  print_item (client, "0", _ ("success"));
  print_item (client, "1", _ ("failed"));
  print_item (client, "2", _ ("wrong usage, or data that the service refused"));
  print_item (client, "3", _ ("not authorised"));
  print_item (client, "4", _ ("no target, several, one that is not supported or that is gone"));
  print_item (client, "5", _ ("cancelled"));
  print_item (client, "6", _ ("the service or the bus cannot be reached"));
}

void
client_help_print (Client *client, GPtrArray *actions)
{
  print_text (client, _ ("Usage: ha-profiler [OPTION…] COMMAND [ARGUMENT…]"));
  print_text (client, _ ("Profiles Home Assistant, or any Python program, from outside while it runs."));

  print_heading (client, _ ("Actions"));
  for (guint i = 0; actions != NULL && i < actions->len; i++)
    {
      const ClientAction *action = g_ptr_array_index (actions, i);

      print_item (client, action->command, action->summary);
    }
  if (actions == NULL)
    print_text (client, _ ("  (the service that offers them cannot be reached)"));

  print_heading (client, _ ("Commands"));
  for (const ClientCommand *command = client_command_list (); command->name != NULL; command++)
    {
      g_autofree char *term = NULL;

      if (command->argument == NULL)
        term = g_strdup (command->name);
      else
        term =
            g_strdup_printf (command->optional ? "%s [%s]" : "%s %s", command->name, _ (command->argument));
      print_item (client, term, _ (command->summary));
    }
  print_general_options (client);
  print_statuses (client);
}

static void
print_more (Client *client)
{
  fputc ('\n', stdout);
  print_text (client, _ ("General options and exit status: ha-profiler --help"));
}

void
client_help_print_command (Client *client, const ClientCommand *command)
{
  g_autofree char *usage = NULL;

  if (command->argument == NULL)
    usage = g_strdup_printf (_ ("Usage: ha-profiler %s [OPTION…]"), command->name);
  else if (command->optional)
    usage =
        g_strdup_printf (_ ("Usage: ha-profiler %s [OPTION…] [%s]"), command->name, _ (command->argument));
  else
    usage = g_strdup_printf (_ ("Usage: ha-profiler %s [OPTION…] %s"), command->name, _ (command->argument));
  print_text (client, usage);
  print_text (client, _ (command->summary));
  if (command->has_output)
    {
      print_heading (client, _ ("Options"));
      print_item (client, _ ("--output FILE"),
                  _ ("save it as FILE, or in the directory FILE, or on standard output for “-”"));
    }
  print_more (client);
}

void
client_help_print_action (Client *client, const ClientAction *action)
{
  g_autofree char *usage = g_strdup_printf (_ ("Usage: ha-profiler %s [OPTION…]"), action->command);

  print_text (client, usage);
  print_text (client, action->summary);
  print_heading (client, _ ("Options"));
  for (guint i = 0; i < action->attributes->len; i++)
    {
      const ClientAttribute *attribute = g_ptr_array_index (action->attributes, i);
      g_autofree char *help = client_attribute_describe (attribute);
      g_autofree char *term = NULL;

      if (attribute->type[0] == 'b')
        term = g_strdup_printf ("--[no-]%s", attribute->option);
      else
        term = g_strdup_printf ("--%s %s", attribute->option, client_attribute_get_placeholder (attribute));
      print_item (client, term, help);
    }
  if (g_str_equal (action->reply, "job"))
    {
      print_item (client, "--no-wait", _ ("start the job and leave; “ha-profiler jobs” shows it"));
      print_item (client, _ ("--output-dir DIR"), _ ("save the artifacts there when the job is done"));
    }
  print_more (client);
}
