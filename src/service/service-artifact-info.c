/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is known of an artifact besides its content: kept in the file's extended attributes, guessed from its
 * name where the file system has none. Where the files are is service-artifacts.c's.
 */

#include "service-artifact-info.h"

#include <string.h>
#include <sys/types.h>
#include <sys/xattr.h>

/* What cannot be kept is not worth failing for. */
void
service_artifact_info_keep (int fd, const ServiceArtifactInfo *info)
{
  g_autofree char *target = g_strdup_printf ("%u", info->target);
  g_autofree char *owner = g_strdup_printf ("%u", info->owner);
  const struct
  {
    const char *key, *value;
  } attributes[] = {
    { "user.mime_type", info->mime },
    { "user.ha-profiler.title", info->title },
    { "user.ha-profiler.action", info->action },
    { "user.ha-profiler.target", target },
    { "user.ha-profiler.owner", owner },
  };

  for (guint i = 0; i < G_N_ELEMENTS (attributes); i++)
    fsetxattr (fd, attributes[i].key, attributes[i].value, strlen (attributes[i].value), 0);
}

static const char *
guess_mime (const char *name)
{
  static const struct
  {
    const char *suffix, *mime;
  } known[] = {
    { ".html", "text/html" },       { ".json", "application/json" }, { ".txt", "text/plain" },
    { ".collapsed", "text/plain" }, { ".hpy", "text/plain" },
  };

  if (g_str_has_prefix (name, "callgrind.out."))
    return "application/x-kcachegrind";
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      if (g_str_has_suffix (name, known[i].suffix))
        return known[i].mime;
    }
  return "application/octet-stream";
}

/* The attribute's text; NULL when there is none that can be shown. */
static char *
read_info (int fd, const char *key)
{
  char text[SERVICE_ARTIFACT_MAX_TITLE * 4 + 1];
  ssize_t length = fd >= 0 ? fgetxattr (fd, key, text, sizeof text - 1) : -1;

  if (length <= 0 || !g_utf8_validate (text, length, NULL))
    return NULL;
  return g_strndup (text, (gsize)length);
}

/* What is nobody's, for want of extended attributes, is root's. */
guint
service_artifact_info_read_owner (int fd)
{
  g_autofree char *owner = read_info (fd, "user.ha-profiler.owner");

  return owner != NULL ? (guint)g_ascii_strtoull (owner, NULL, 10) : 0;
}

GVariant *
service_artifact_info_describe (int fd, const char *name, guint64 size, gint64 created)
{
  g_autofree char *mime = read_info (fd, "user.mime_type");
  g_autofree char *title = read_info (fd, "user.ha-profiler.title");
  g_autofree char *action = read_info (fd, "user.ha-profiler.action");
  g_autofree char *target = read_info (fd, "user.ha-profiler.target");
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "name", g_variant_new_string (name));
  g_variant_builder_add (&builder, "{sv}", "size", g_variant_new_uint64 (size));
  g_variant_builder_add (&builder, "{sv}", "mime",
                         g_variant_new_string (mime != NULL ? mime : guess_mime (name)));
  g_variant_builder_add (&builder, "{sv}", "title", g_variant_new_string (title != NULL ? title : name));
  g_variant_builder_add (&builder, "{sv}", "created", g_variant_new_uint64 ((guint64)created));
  if (action != NULL)
    g_variant_builder_add (&builder, "{sv}", "action", g_variant_new_string (action));
  if (target != NULL)
    g_variant_builder_add (&builder, "{sv}", "target",
                           g_variant_new_uint32 ((guint)g_ascii_strtoull (target, NULL, 10)));
  g_variant_builder_add (&builder, "{sv}", "uid",
                         g_variant_new_uint32 (service_artifact_info_read_owner (fd)));
  return g_variant_builder_end (&builder);
}
