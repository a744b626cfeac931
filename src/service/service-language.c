/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * In which language each caller is answered. Only messages are in it: numbers and encodings stay the
 * service's own. A locale's name is a caller's, so that it is taken apart before the C library is asked for
 * it.
 */

#include "service-language.h"

#include <string.h>

#include "service-quota.h"

#define MAX_NAME 32

/* A caller costs a match rule on the bus, of which it gives us some hundred. */
#define MAX_LISTENERS 128
#define MAX_LISTENERS_PER_USER 16

struct _ServiceLanguage
{
  char *name;
  locale_t locale;
};

typedef struct
{
  const ServiceLanguage *language;
  ServiceQuota *quota;
  guint uid;
  guint watch;
} Listener;

struct _ServiceLanguages
{
  GDBusConnection *bus;
  GHashTable *listeners; /* unique name -> Listener */
  ServiceQuota *quota;
};

/* "de_DE.ISO-8859-1@euro" -> "de_DE.UTF-8@euro"; NULL: it is no locale's name */
static char *
make_name (const char *locale)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  gsize length = strspn (locale, allowed);
  const char *modifier = strchr (locale, '@');

  if (length == 0 || length > MAX_NAME || (locale[length] != '\0' && strchr (".@", locale[length]) == NULL)
      || (modifier != NULL && (strlen (modifier) > MAX_NAME || modifier[1 + strspn (modifier + 1, allowed)])))
    return NULL;
  return g_strdup_printf ("%.*s.UTF-8%s", (int)length, locale, modifier != NULL ? modifier : "");
}

/* The languages that were asked for; no more than are installed here. */
static GHashTable *
get_languages (void)
{
  static GHashTable *languages;

  if (languages == NULL)
    languages = g_hash_table_new (g_str_hash, g_str_equal);
  return languages;
}

const ServiceLanguage *
service_language_find (const char *locale)
{
  g_autofree char *name = make_name (g_str_equal (locale, "POSIX") ? "C" : locale);
  ServiceLanguage *self = name != NULL ? g_hash_table_lookup (get_languages (), name) : NULL;
  locale_t base, loaded;

  if (self != NULL || name == NULL)
    return self;
  base = duplocale (LC_GLOBAL_LOCALE);
  loaded = newlocale (LC_MESSAGES_MASK, name, base);
  if (loaded == (locale_t)0)
    {
      freelocale (base);
      return NULL;
    }
  self = g_new (ServiceLanguage, 1);
  self->name = g_steal_pointer (&name);
  self->locale = loaded;
  g_hash_table_insert (get_languages (), self->name, self);
  return self;
}

const char *
service_language_get_name (const ServiceLanguage *self)
{
  return self->name;
}

locale_t
service_language_speak (const ServiceLanguage *self)
{
  return uselocale (self != NULL ? self->locale : LC_GLOBAL_LOCALE);
}

void
service_language_be_silent (const locale_t *before)
{
  uselocale (*before);
}

const ServiceLanguage *
service_language_get_current (void)
{
  locale_t current = uselocale ((locale_t)0);
  GHashTableIter iter;
  gpointer language;

  g_hash_table_iter_init (&iter, get_languages ());
  while (g_hash_table_iter_next (&iter, NULL, &language))
    {
      if (((ServiceLanguage *)language)->locale == current)
        return language;
    }
  return NULL;
}

static void
listener_free (gpointer data)
{
  Listener *listener = data;

  g_bus_unwatch_name (listener->watch);
  service_quota_release (listener->quota, listener->uid);
  g_free (listener);
}

static void
on_left (GDBusConnection *bus, const char *name, gpointer data)
{
  ServiceLanguages *self = data;
  g_autofree char *kept = g_strdup (name); /* it may be the watch's own */

  g_hash_table_remove (self->listeners, kept);
}

gboolean
service_languages_set (ServiceLanguages *self,
                       const char *name,
                       guint uid,
                       const ServiceLanguage *language,
                       GError **error)
{
  Listener *listener = g_hash_table_lookup (self->listeners, name);

  if (language == NULL)
    {
      g_hash_table_remove (self->listeners, name);
      return TRUE;
    }
  if (listener == NULL && !service_quota_take (self->quota, uid, error))
    return FALSE;
  if (listener == NULL)
    {
      listener = g_new0 (Listener, 1);
      listener->quota = self->quota;
      listener->uid = uid;
      listener->watch = g_bus_watch_name_on_connection (self->bus, name, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL,
                                                        on_left, self, NULL);
      g_hash_table_insert (self->listeners, g_strdup (name), listener);
    }
  listener->language = language;
  return TRUE;
}

const ServiceLanguage *
service_languages_get (ServiceLanguages *self, const char *name)
{
  const Listener *listener = g_hash_table_lookup (self->listeners, name);

  return listener != NULL ? listener->language : NULL;
}

ServiceLanguages *
service_languages_new (GDBusConnection *bus)
{
  ServiceLanguages *self = g_new0 (ServiceLanguages, 1);

  self->bus = g_object_ref (bus);
  self->listeners = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, listener_free);
  self->quota = service_quota_new ("callers have a language", MAX_LISTENERS, MAX_LISTENERS_PER_USER);
  return self;
}

void
service_languages_free (ServiceLanguages *self)
{
  g_hash_table_unref (self->listeners);
  service_quota_free (self->quota);
  g_object_unref (self->bus);
  g_free (self);
}
