/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What one process is: its Python, whether that is Home Assistant, and what people call it. The command line
 * is its owner's own text.
 */

#include "worker-discover.h"

#include <string.h>
#include <unistd.h>

#include "py-discover.h"

#define MAX_COMMAND_BYTES 4096
#define MAX_COMMAND_CHARS 1000
#define MAX_NAME 64

/* Options of python's that take a value; -c and -m end the options (Python/getopt.c). */
#define OPTIONS_WITH_VALUE "WX"

GStrv
worker_read_arguments (int fd)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  char bytes[MAX_COMMAND_BYTES + 1];
  ssize_t length = pread (fd, bytes, MAX_COMMAND_BYTES, 0);

  bytes[MAX (length, 0)] = '\0';
  for (ssize_t i = 0; i < length; i += (ssize_t)strlen (bytes + i) + 1)
    {
      g_autofree char *argument = g_utf8_make_valid (bytes + i, -1);

      g_strv_builder_add (builder, argument);
    }
  return g_strv_builder_end (builder);
}

static char *
join_arguments (GStrv arguments)
{
  g_autofree char *command = g_strjoinv (" ", arguments);

  return g_utf8_strlen (command, -1) > MAX_COMMAND_CHARS ? g_utf8_substring (command, 0, MAX_COMMAND_CHARS)
                                                         : g_steal_pointer (&command);
}

/* The last part of a path, or a dotted module as it is, in harmless characters. */
static char *
make_name (const char *text)
{
  const char *slash = strrchr (text, '/');
  char *name = g_strndup (slash != NULL && slash[1] != '\0' ? slash + 1 : text, MAX_NAME);

  if (g_str_has_suffix (name, ".py"))
    name[strlen (name) - strlen (".py")] = '\0';
  g_strcanon (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-", '_');
  if (*name == '\0')
    g_clear_pointer (&name, g_free);
  return name;
}

/* What one argument of python's says: the name of what runs, or that the next argument is its value. */
typedef enum
{
  ARGUMENT_OPTION,
  ARGUMENT_TAKES_NEXT,
  ARGUMENT_MODULE,
  ARGUMENT_COMMAND,
  ARGUMENT_SCRIPT,
} Argument;

static Argument
classify (const char *argument, const char **module)
{
  *module = NULL;
  if (argument[0] != '-')
    return ARGUMENT_SCRIPT;
  if (argument[1] == '\0')
    return ARGUMENT_COMMAND;
  if (argument[1] == '-')
    return g_str_equal (argument, "--check-hash-based-pycs") ? ARGUMENT_TAKES_NEXT : ARGUMENT_OPTION;

  for (const char *letter = argument + 1; *letter != '\0'; letter++)
    {
      if (*letter == 'c')
        return ARGUMENT_COMMAND;
      if (*letter == 'm')
        {
          *module = letter[1] != '\0' ? letter + 1 : NULL;
          return ARGUMENT_MODULE;
        }
      if (strchr (OPTIONS_WITH_VALUE, *letter) != NULL)
        return letter[1] != '\0' ? ARGUMENT_OPTION : ARGUMENT_TAKES_NEXT;
    }
  return ARGUMENT_OPTION;
}

char *
worker_name_command (const char *const *arguments)
{
  g_autofree char *program = arguments[0] != NULL ? make_name (arguments[0]) : NULL;

  if (program == NULL || !g_str_has_prefix (program, "python"))
    return g_steal_pointer (&program);

  for (guint i = 1; arguments[i] != NULL; i++)
    {
      const char *module;

      switch (classify (arguments[i], &module))
        {
        case ARGUMENT_SCRIPT:
          return make_name (arguments[i]);
        case ARGUMENT_MODULE:
          module = module != NULL ? module : arguments[i + 1];
          return module != NULL ? make_name (module) : g_steal_pointer (&program);
        case ARGUMENT_COMMAND:
          return g_steal_pointer (&program);
        case ARGUMENT_TAKES_NEXT:
          if (arguments[i + 1] != NULL)
            i++;
          break;
        case ARGUMENT_OPTION:
          break;
        }
    }
  return g_steal_pointer (&program);
}

static void
add_string (GVariantBuilder *builder, const char *key, const char *value)
{
  if (value != NULL)
    g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (value));
}

GVariant *
worker_discover (HapTarget *target, int cmdline_fd)
{
  g_autoptr (PyDiscovery) discovery = py_discover (target);
  g_auto (GStrv) arguments = NULL;
  g_autofree char *command = NULL;
  g_autofree char *name = NULL;
  GVariantBuilder builder;

  if (!discovery->python)
    return NULL;

  arguments = worker_read_arguments (cmdline_fd);
  command = join_arguments (arguments);
  name = worker_name_command ((const char *const *)arguments);

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "pid", g_variant_new_uint32 (hap_target_get_pid (target)));
  g_variant_builder_add (&builder, "{sv}", "supported", g_variant_new_boolean (discovery->supported));
  g_variant_builder_add (&builder, "{sv}", "home_assistant",
                         g_variant_new_boolean (discovery->home_assistant));
  add_string (&builder, "reason", discovery->reason);
  add_string (&builder, "python", discovery->version);
  add_string (&builder, "home_assistant_version", discovery->home_assistant_version);
  add_string (&builder, "command", command);
  add_string (&builder, "name", name);
  return g_variant_builder_end (&builder);
}
