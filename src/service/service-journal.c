/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The service's log. Entries of actions hold text from targets: it is escaped and cut here.
 */

#include "service-journal.h"

#include <stdio.h>
#include <string.h>

#include "service-text.h"

#define MAX_MESSAGE 16384
#define MAX_FIELD 1000
#define MAX_FIELDS 32
#define AT_ONCE 50

/* An entry that waits to be written: a report is answered first, for a journal takes its time. */
typedef struct
{
  char *action;
  guint target;
  gint64 start_time;
  char *message;
  GVariant *fields; /* the message among them, which is no field to the journal */
} Entry;

static GQueue waiting = G_QUEUE_INIT;

static void
entry_free (Entry *entry)
{
  g_free (entry->action);
  g_free (entry->message);
  g_variant_unref (entry->fields);
  g_free (entry);
}

static gboolean
has_journal (void)
{
  return g_log_writer_is_journald (fileno (stderr));
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if ((level & G_LOG_LEVEL_DEBUG) == 0 && has_journal ())
    return g_log_writer_journald (level, fields, n_fields, data);
  /* Where there is no journal, whoever called has the entries, and a terminal does not want them twice. What
   * is shown all the same is said by G_MESSAGES_DEBUG, which this reads itself. */
  if ((level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO)) != 0)
    return g_log_writer_default (level, fields, n_fields, data);
  return g_log_writer_standard_streams (level, fields, n_fields, data);
}

void
service_journal_install (void)
{
  g_log_writer_default_set_use_stderr (TRUE);
  g_log_set_writer_func (write_log, NULL, NULL);
}

/* Only what the journal takes for the name of a field: A-Z, 0-9, '_'. */
static char *
make_field_name (const char *key)
{
  g_autofree char *upper = g_ascii_strup (key, (gssize)strnlen (key, 48));

  for (char *p = upper; *p != '\0'; p++)
    {
      if (!g_ascii_isalnum (*p))
        *p = '_';
    }
  return g_strconcat ("HAP_", upper, NULL);
}

static char *
make_field_text (GVariant *value)
{
  g_autofree char *text = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    text = g_variant_dup_string (value, NULL);
  else
    text = g_variant_print (value, FALSE);
  return service_text_escape (text, MAX_FIELD, FALSE);
}

static void
write_entry (const Entry *entry)
{
  g_autofree char *escaped = service_text_escape (entry->message, MAX_MESSAGE, TRUE);
  GVariantBuilder builder;
  GVariantIter iter;
  const char *key;
  GVariant *value;
  guint n = 0;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_iter_init (&iter, entry->fields);
  while (n++ < MAX_FIELDS && g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;
      g_autofree char *name = make_field_name (key);
      g_autofree char *text = g_str_equal (key, "message") ? NULL : make_field_text (owned);

      if (text != NULL)
        g_variant_builder_add (&builder, "{sv}", name, g_variant_new_string (text));
    }
  /* After the worker's, so that ours stand. */
  g_variant_builder_add (&builder, "{sv}", "HAP_ACTION", g_variant_new_string (entry->action));
  g_variant_builder_add (&builder, "{sv}", "HAP_TARGET",
                         g_variant_new_take_string (g_strdup_printf ("%u", entry->target)));
  g_variant_builder_add (
      &builder, "{sv}", "HAP_JOB",
      g_variant_new_take_string (g_strdup_printf ("%" G_GINT64_FORMAT, entry->start_time)));
  g_variant_builder_add (&builder, "{sv}", "MESSAGE", g_variant_new_string (escaped));
  g_log_variant (G_LOG_DOMAIN, G_LOG_LEVEL_INFO, g_variant_builder_end (&builder));
}

static void
write_waiting (guint n)
{
  Entry *entry;

  while (n-- > 0 && (entry = g_queue_pop_head (&waiting)) != NULL)
    {
      write_entry (entry);
      entry_free (entry);
    }
}

static gboolean
on_idle (gpointer data)
{
  write_waiting (AT_ONCE);
  return waiting.length > 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

void
service_journal_entry (const char *action,
                       guint target,
                       gint64 start_time,
                       const char *message,
                       GVariant *fields)
{
  Entry *entry;

  if (!has_journal () && g_log_writer_default_would_drop (G_LOG_LEVEL_INFO, G_LOG_DOMAIN))
    return;
  entry = g_new (Entry, 1);
  *entry = (Entry){ g_strdup (action), target, start_time, g_strdup (message), g_variant_ref (fields) };
  if (waiting.length == 0)
    g_idle_add_full (G_PRIORITY_LOW, on_idle, NULL, NULL);
  g_queue_push_tail (&waiting, entry);
}

void
service_journal_finish (void)
{
  write_waiting (G_MAXUINT);
}
