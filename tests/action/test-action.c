/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a plugin is to the service: found, described, and its data validated. Uses the plugins of
 * tests/action/plugins.
 */

#include <glib/gstdio.h>
#include <unistd.h>

#include "hap-action.h"
#include "hap-plugin-engine.h"
#include "hap-plugin-path.h"

static HapPluginEngine *engine;

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *variant = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return variant;
}

static void
test_engine_list (void)
{
  GPtrArray *actions = hap_plugin_engine_list_actions (engine);

  /* Bye and Hello; what is nameless, no action, garbage, cut short, missing or empty is left out. */
  g_assert_cmpuint (actions->len, ==, 2);
  g_assert_cmpstr (g_type_name (GPOINTER_TO_SIZE (actions->pdata[0])), ==, "Bye");
  g_assert_cmpstr (g_type_name (GPOINTER_TO_SIZE (actions->pdata[1])), ==, "Hello");
  g_assert_cmpstr (hap_plugin_engine_get_plugin_name (engine, GPOINTER_TO_SIZE (actions->pdata[1])), ==,
                   "hello");
  g_assert_cmpuint (hap_plugin_engine_find_action (engine, "Nothing"), ==, G_TYPE_INVALID);
}

static void
test_engine_load (void)
{
  static const char *const broken[] = { "garbage", "truncated", "missing", "empty" };
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (hap_plugin_engine_load (engine, "hello", "Hello", &error), ==,
                    hap_plugin_engine_find_action (engine, "Hello"));
  g_assert_no_error (error);
  g_assert_cmpuint (hap_plugin_engine_load (engine, "hello", "Nothing", &error), ==, G_TYPE_INVALID);
  g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
  g_clear_error (&error);
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_clear_error (&error);
      g_assert_cmpuint (hap_plugin_engine_load (engine, broken[i], "Hello", &error), ==, G_TYPE_INVALID);
      g_assert_error (error, HAP_ERROR, HAP_ERROR_FAILED);
    }
}

/* What others could change is not loaded. */
static void
test_path (void)
{
  static const struct
  {
    const char *what; /* whose mode it is: the directory, what is above it, a folder in it, a file */
    guint mode;
    gboolean safe;
  } cases[] = {
    { "plugins", 0755, TRUE },
    { "plugins", 0775, TRUE },
    { "plugins", 0777, FALSE },
    { "plugins", 01777, FALSE },
    { ".", 0777, FALSE },
    { ".", 01777, TRUE },
    { "plugins/folder", 0777, FALSE },
    { "plugins/a.plugin", 0666, FALSE },
    { "plugins/folder/a.so", 0666, FALSE },
  };
  g_autofree char *top = g_dir_make_tmp (NULL, NULL);
  g_autofree char *plugins = g_build_filename (top, "plugins", NULL);
  g_autofree char *folder = g_build_filename (plugins, "folder", NULL);
  g_autofree char *description = g_build_filename (plugins, "a.plugin", NULL);
  g_autofree char *module = g_build_filename (folder, "a.so", NULL);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0755), ==, 0);
  g_assert_true (g_file_set_contents (description, "", 0, NULL) && g_file_set_contents (module, "", 0, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *changed = g_build_filename (top, cases[i].what, NULL);
      g_autoptr (GError) error = NULL;
      g_autofree char *path = NULL;
      GStatBuf before;

      g_assert_cmpint (g_stat (changed, &before), ==, 0);
      g_assert_cmpint (g_chmod (changed, (int)cases[i].mode), ==, 0);
      path = hap_plugin_path_check (plugins, &error);
      if (cases[i].safe)
        g_assert_no_error (error);
      else
        g_assert_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED);
      g_assert_cmpint (g_chmod (changed, (int)before.st_mode & 07777), ==, 0);
    }
  /* What is another's is not root's, however closed. */
  if (geteuid () == 0)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (chown (module, 65534, 65534), ==, 0);
      g_assert_null (hap_plugin_path_check (plugins, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED);
    }
  g_assert_cmpint (g_remove (module) | g_remove (description) | g_remove (folder) | g_remove (plugins)
                       | g_remove (top),
                   ==, 0);
}

static void
test_describe (void)
{
  g_autoptr (GVariant) description =
      g_variant_ref_sink (hap_action_describe (hap_plugin_engine_find_action (engine, "Hello")));
  g_autoptr (GVariant) attributes =
      g_variant_lookup_value (description, "attributes", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) whom = g_variant_get_child_value (attributes, 0);
  g_autoptr (GVariant) how_long = g_variant_get_child_value (attributes, 1);
  g_autoptr (GVariant) ways = g_variant_get_child_value (attributes, 6);
  g_autofree const char **choices = NULL;
  const char *text;
  double number;
  gboolean required;

  g_assert_true (g_variant_lookup (description, "method", "&s", &text));
  g_assert_cmpstr (text, ==, "Hello");
  g_assert_true (g_variant_lookup (description, "reply", "&s", &text));
  g_assert_cmpstr (text, ==, "report");
  g_assert_cmpuint (g_variant_n_children (attributes), ==, 8);

  g_assert_true (g_variant_lookup (whom, "required", "b", &required) && required);
  g_assert_false (g_variant_lookup (whom, "default", "&s", &text));
  g_assert_true (g_variant_lookup (how_long, "name", "&s", &text));
  g_assert_cmpstr (text, ==, "how_long");
  g_assert_true (g_variant_lookup (how_long, "default", "d", &number));
  g_assert_cmpfloat (number, ==, 2.0);
  g_assert_true (g_variant_lookup (how_long, "maximum", "d", &number));
  g_assert_cmpfloat (number, ==, 10.0);
  g_assert_true (g_variant_lookup (ways, "choices", "^a&s", &choices));
  g_assert_cmpstr (choices[1], ==, "nod");
}

static void
test_data_taken (void)
{
  /* Numbers of any type that holds them exactly. */
  static const char *const cases[] = {
    "{'whom': <'you'>}",
    "{'whom': <'you'>, 'how_long': <byte 3>, 'times': <3.0>, 'shift': <int64 -5>}",
    "{'whom': <'you'>, 'how_long': <uint64 10>, 'times': <int16 5>, 'big': <uint64 18446744073709551615>}",
    "{'whom': <''>, 'bow': <false>, 'tone': <'loud'>, 'ways': <['nod', 'wave']>}",
    "{'whom': <'you'>, 'ways': <@as []>}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) data = parse (cases[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (HapAction) action =
          hap_action_new (hap_plugin_engine_find_action (engine, "Hello"), data, &error);

      g_assert_no_error (error);
      g_assert_nonnull (action);
    }
}

static void
test_data_kept (void)
{
  g_autoptr (GVariant) data =
      parse ("{'whom': <'you'>, 'times': <4.0>, 'ways': <['nod']>, 'tone': <'loud'>}");
  g_autoptr (HapAction) action = hap_action_new (hap_plugin_engine_find_action (engine, "Hello"), data, NULL);
  g_autoptr (GVariant) kept = g_variant_ref_sink (hap_action_get_data (action));
  g_autofree char *text = g_variant_print (kept, FALSE);

  g_assert_cmpstr (text, ==,
                   "{'whom': <'you'>, 'how_long': <2.0>, 'times': <uint32 4>, 'shift': <0>, 'bow': <true>, "
                   "'tone': <'loud'>, 'ways': <['nod']>, 'big': <uint64 0>}");
}

static void
test_data_guarded (void)
{
  static const struct
  {
    const char *data;
    gboolean secrets, contents;
  } cases[] = {
    { "{'whom': <'you'>}", FALSE, FALSE },
    { "{'whom': <'you'>, 'bow': <true>, 'tone': <'kind'>, 'times': <5>}", FALSE, FALSE },
    { "{'whom': <'you'>, 'bow': <false>}", TRUE, FALSE },
    { "{'whom': <'you'>, 'tone': <'loud'>}", FALSE, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) data = parse (cases[i].data);
      g_autoptr (HapAction) action =
          hap_action_new (hap_plugin_engine_find_action (engine, "Hello"), data, NULL);

      g_assert_true (hap_action_asks_for_secrets (action) == cases[i].secrets);
      g_assert_true (hap_action_asks_for_contents (action) == cases[i].contents);
    }
}

static void
test_data_refused (void)
{
  static const struct
  {
    const char *data;
    const char *key;
  } cases[] = {
    { "@a{sv} {}", "whom" },
    { "{'whom': <3>}", "whom" },
    { "{'whom': <'you'>, 'how_long': <0.0>}", "how_long" },
    { "{'whom': <'you'>, 'how_long': <-1>}", "how_long" },
    { "{'whom': <'you'>, 'how_long': <1e9>}", "how_long" },
    { "{'whom': <'you'>, 'how_long': <'abc'>}", "how_long" },
    { "{'whom': <'you'>, 'how_long': <true>}", "how_long" },
    { "{'whom': <'you'>, 'times': <2.5>}", "times" },
    { "{'whom': <'you'>, 'times': <6>}", "times" },
    { "{'whom': <'you'>, 'shift': <-6>}", "shift" },
    { "{'whom': <'you'>, 'big': <-1>}", "big" },
    { "{'whom': <'you'>, 'bow': <1>}", "bow" },
    { "{'whom': <'you'>, 'tone': <'shrill'>}", "tone" },
    { "{'whom': <'you'>, 'ways': <['nod', 'kick']>}", "ways" },
    { "{'whom': <'you'>, 'ways': <'nod'>}", "ways" },
    { "{'whom': <'you'>, 'unheard': <1>}", "unheard" },
    { "{'whom': <'you'>, 'whom': <'me'>}", "whom" },
    { "{'whom': <'you'>, 'how-long': <3>}", "how-long" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) data = parse (cases[i].data);
      g_autoptr (GError) error = NULL;

      g_assert_null (hap_action_new (hap_plugin_engine_find_action (engine, "Hello"), data, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
      g_assert_nonnull (strstr (error->message, cases[i].key));
    }
}

static void
test_data_not_finite (void)
{
  const double values[] = { G_MAXDOUBLE * 10, -G_MAXDOUBLE * 10, 0.0 / 0.0 };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      GVariantDict dict;
      g_autoptr (GVariant) data = NULL;
      g_autoptr (GError) error = NULL;

      g_variant_dict_init (&dict, NULL);
      g_variant_dict_insert (&dict, "whom", "s", "you");
      g_variant_dict_insert (&dict, "how_long", "d", values[i]);
      data = g_variant_ref_sink (g_variant_dict_end (&dict));
      g_assert_null (hap_action_new (hap_plugin_engine_find_action (engine, "Hello"), data, &error));
      g_assert_error (error, HAP_ERROR, HAP_ERROR_INVALID_DATA);
    }
}

int
main (int argc, char **argv)
{
  const char *directories[] = { HAP_TEST_PLUGINS, NULL };
  gint status;

  g_test_init (&argc, &argv, NULL);
  /* libpeas warns of what it cannot load: that is what is tested here. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  engine = hap_plugin_engine_new (directories);

  g_test_add_func ("/action/plugin-engine/path", test_path);
  g_test_add_func ("/action/plugin-engine/list", test_engine_list);
  g_test_add_func ("/action/plugin-engine/load", test_engine_load);
  g_test_add_func ("/action/description/complete", test_describe);
  g_test_add_func ("/action/data/taken", test_data_taken);
  g_test_add_func ("/action/data/kept", test_data_kept);
  g_test_add_func ("/action/data/guarded", test_data_guarded);
  g_test_add_func ("/action/data/refused", test_data_refused);
  g_test_add_func ("/action/data/not-finite", test_data_not_finite);
  status = g_test_run ();
  g_object_unref (engine);
  return status;
}
