/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <locale.h>

G_BEGIN_DECLS

/**
 * ServiceLanguage: the language of a caller's messages, in which the service speaks for as long as a scope
 * says so: what is begun in the scope keeps it (service_language_get_current()), and speaks it when it goes
 * on. NULL is the service's own.
 */
typedef struct _ServiceLanguage ServiceLanguage;

/**
 * service_language_find:
 * @locale: as LC_MESSAGES has it: "de_DE.UTF-8"; of its parts the encoding does not matter
 *
 * Returns: (transfer none): lives for ever; NULL: this is no locale, or none that is installed here
 */
const ServiceLanguage *service_language_find (const char *locale);

/* The locale's name. */
const char *service_language_get_name (const ServiceLanguage *self);

/* @self: (nullable). Returns: what service_language_be_silent() takes back */
locale_t service_language_speak (const ServiceLanguage *self);
void service_language_be_silent (const locale_t *before);
const ServiceLanguage *service_language_get_current (void);

/* To the end of the block the service speaks @language. */
#define SERVICE_SPEAKS(language)                                                                             \
  __attribute__ ((cleanup (service_language_be_silent), unused)) const locale_t spoken_before =              \
      service_language_speak (language)

/**
 * ServiceLanguages: who on the bus asked for which, for as long as they are there.
 */
typedef struct _ServiceLanguages ServiceLanguages;

ServiceLanguages *service_languages_new (GDBusConnection *bus);
void service_languages_free (ServiceLanguages *self);

/* @name: a unique name on the bus, of @uid. @language: (nullable). Errors: HAP_ERROR_BUSY */
gboolean service_languages_set (ServiceLanguages *self,
                                const char *name,
                                guint uid,
                                const ServiceLanguage *language,
                                GError **error);
const ServiceLanguage *service_languages_get (ServiceLanguages *self, const char *name);

G_END_DECLS
