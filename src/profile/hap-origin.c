/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who wrote a piece of code, told by its file name alone.
 *
 * Owns the rules and the table of origins. Opens no file: the path is the target's, may be relative or inside
 * a zip, and may be a lie, which costs a wrong label and nothing else. */
#include "hap-origin.h"

#include <string.h>

#define MAX_ORIGINS 4096
#define MAX_NAME 120 /* bytes */
#define MAX_FILES 16384

const char *
hap_origin_kind_to_string (HapOriginKind kind)
{
  static const char *const names[] = {
    [HAP_ORIGIN_INTEGRATION] = "integration",
    [HAP_ORIGIN_CUSTOM] = "custom",
    [HAP_ORIGIN_CORE] = "core",
    [HAP_ORIGIN_APPLICATION] = "application",
    [HAP_ORIGIN_LIBRARY] = "library",
    [HAP_ORIGIN_STDLIB] = "stdlib",
  };

  g_return_val_if_fail ((guint)kind < G_N_ELEMENTS (names), "application");
  return names[kind];
}

static guint
origin_hash (gconstpointer key)
{
  const HapOrigin *origin = key;

  return g_str_hash (origin->name) * 7 + origin->kind;
}

static gboolean
origin_equal (gconstpointer a, gconstpointer b)
{
  const HapOrigin *x = a, *y = b;

  return x->kind == y->kind && strcmp (x->name, y->name) == 0;
}

static const HapOrigin *
intern (HapOriginKind kind, const char *name)
{
  static GMutex mutex;
  static GHashTable *origins;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  g_autofree char *clean = g_utf8_make_valid (name, strnlen (name, MAX_NAME));
  HapOrigin wanted = { kind, clean };
  HapOrigin *origin;

  if (origins == NULL)
    origins = g_hash_table_new (origin_hash, origin_equal);
  origin = g_hash_table_lookup (origins, &wanted);
  if (origin == NULL && g_hash_table_size (origins) >= MAX_ORIGINS)
    {
      wanted.name = (char *)"(others)";
      origin = g_hash_table_lookup (origins, &wanted);
    }
  if (origin == NULL)
    {
      origin = g_new (HapOrigin, 1);
      *origin = (HapOrigin){ kind, g_strdup (wanted.name) };
      g_hash_table_add (origins, origin);
    }
  return origin;
}

/* "python3.13", "python3.13t" below a lib directory, or "python313.zip" anywhere */
static gboolean
is_stdlib (char *const *parts, guint i)
{
  const char *part = parts[i];

  if (!g_str_has_prefix (part, "python") || !g_ascii_isdigit (part[6]) || parts[i + 1] == NULL)
    return FALSE;
  if (g_str_has_suffix (part, ".zip"))
    return TRUE;
  return strchr (part, '.') != NULL && i > 0 && g_str_has_prefix (parts[i - 1], "lib");
}

/* Whether a directory called homeassistant is somebody's home or a place of installation, not the package */
static gboolean
is_home (char *const *parts, guint i)
{
  if (i == 1)
    return g_str_equal (parts[0], "home") || g_str_equal (parts[0], "srv") || g_str_equal (parts[0], "opt");
  if (i == 2)
    return (g_str_equal (parts[0], "var") && g_str_equal (parts[1], "lib"))
           || (g_str_equal (parts[0], "usr") && g_str_equal (parts[1], "src"));
  return FALSE;
}

/* The part that names an integration when parts[i] opens a package of integrations, else NULL */
static const char *
integration_at (char *const *parts, guint i, HapOriginKind *kind)
{
  const char *name = NULL;

  if (strcmp (parts[i], "custom_components") == 0)
    {
      *kind = HAP_ORIGIN_CUSTOM;
      name = parts[i + 1];
    }
  else if (strcmp (parts[i], "homeassistant") == 0 && g_strcmp0 (parts[i + 1], "components") == 0)
    {
      *kind = HAP_ORIGIN_INTEGRATION;
      i++;
      name = parts[i + 1];
    }
  /* A module right there (components/__init__.py) is no integration. */
  return name != NULL && parts[i + 2] != NULL ? name : NULL;
}

/* @parts begins with what follows site-packages. */
static const HapOrigin *
origin_of_installed (char *const *parts)
{
  HapOriginKind kind;
  const char *name = integration_at (parts, 0, &kind);
  g_autofree char *package = NULL;
  char *dot;

  if (name != NULL)
    return intern (kind, name);
  if (strcmp (parts[0], "homeassistant") == 0)
    return intern (HAP_ORIGIN_CORE, "Home Assistant");
  if (g_str_has_suffix (parts[0], ".egg") && parts[1] != NULL)
    parts++;
  package = g_strdup (parts[0]);
  /* A single-file module: foo.py, foo.pyc, foo.cpython-313-x86_64-linux-gnu.so */
  if (parts[1] == NULL && (dot = strchr (package, '.')) != NULL && dot != package)
    *dot = '\0';
  return intern (HAP_ORIGIN_LIBRARY, package);
}

static const HapOrigin *
origin_of_path (char *const *parts)
{
  HapOriginKind kind = HAP_ORIGIN_APPLICATION, found_kind;
  const char *name = NULL;
  gboolean core = FALSE, stdlib = FALSE;

  for (guint i = 0; parts[i] != NULL; i++)
    {
      const char *found = integration_at (parts, i, &found_kind);

      /* The innermost wins, but what a custom integration brings along stays its own. */
      if (found != NULL && !(name != NULL && kind == HAP_ORIGIN_CUSTOM && found_kind != kind))
        {
          name = found;
          kind = found_kind;
        }
      stdlib |= is_stdlib (parts, i);
      core |= strcmp (parts[i], "homeassistant") == 0 && parts[i + 1] != NULL && !is_home (parts, i);
    }
  if (name != NULL)
    return intern (kind, name);
  if (stdlib)
    return intern (HAP_ORIGIN_STDLIB, "Python");
  if (core)
    return intern (HAP_ORIGIN_CORE, "Home Assistant");
  return intern (HAP_ORIGIN_APPLICATION, "Application");
}

static const HapOrigin *
find_origin (const char *filename)
{
  g_autofree char *path = NULL;
  g_auto (GStrv) parts = NULL;

  if (g_str_has_prefix (filename, "<frozen ") || g_str_has_prefix (filename, "<built-in")
      || strcmp (filename, "~") == 0)
    return intern (HAP_ORIGIN_STDLIB, "Python");
  if (filename[0] == '<' || filename[0] == '\0')
    return intern (HAP_ORIGIN_APPLICATION, "Application");

  path = g_canonicalize_filename (filename, "/");
  parts = g_strsplit (path + 1, "/", -1);
  for (guint i = g_strv_length (parts); i-- > 0;)
    if ((strcmp (parts[i], "site-packages") == 0 || strcmp (parts[i], "dist-packages") == 0)
        && parts[i + 1] != NULL)
      return origin_of_installed (parts + i + 1);
  return origin_of_path (parts);
}

/* The same few files are asked for again and again. */
const HapOrigin *
hap_origin_of_file (const char *filename)
{
  static GMutex mutex;
  static GHashTable *known;
  const HapOrigin *origin;

  g_return_val_if_fail (filename != NULL, NULL);

  g_mutex_lock (&mutex);
  if (known == NULL)
    known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  origin = g_hash_table_lookup (known, filename);
  if (origin == NULL)
    {
      origin = find_origin (filename);
      if (g_hash_table_size (known) >= MAX_FILES)
        g_hash_table_remove_all (known);
      g_hash_table_insert (known, g_strdup (filename), (gpointer)origin);
    }
  g_mutex_unlock (&mutex);
  return origin;
}

const HapOrigin *
hap_origin_of_module (const char *module)
{
  HapOriginKind kind;
  g_autofree char *start = g_utf8_make_valid (module, strnlen (module, 3 * MAX_NAME));
  g_auto (GStrv) parts = g_strsplit (start, ".", 5);
  gboolean custom = g_strcmp0 (parts[0], "custom_components") == 0;
  guint name = custom ? 1 : 2;

  if (!custom && g_strcmp0 (parts[0], "homeassistant") != 0)
    return NULL;
  kind = custom ? HAP_ORIGIN_CUSTOM : HAP_ORIGIN_INTEGRATION;
  if ((custom || g_strcmp0 (parts[1], "components") == 0) && parts[1] != NULL && parts[name] != NULL
      && parts[name][0] != '\0')
    return intern (kind, parts[name]);
  return custom ? NULL : intern (HAP_ORIGIN_CORE, "Home Assistant");
}

const HapOrigin *
hap_origin_of_frames (const HapOrigin *outer, const HapOrigin *inner)
{
  if (outer == NULL || HAP_ORIGIN_IS_INTEGRATION (inner->kind))
    return inner;
  if (HAP_ORIGIN_IS_INTEGRATION (outer->kind))
    return outer;
  return inner->kind <= outer->kind ? inner : outer;
}
