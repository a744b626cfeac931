/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The action DumpSockets: what it reports of each socket, and of what does not fit together. How a moment is
 * read is sockets-moment.c's.
 */

#include "sockets-dump.h"

#include <glib/gi18n.h>

#include "hap-origin-counts.h"
#include "sockets-print.h"

/* The service takes 16 MiB of a report at once, counting some more for each entry. */
#define MAX_REPORT (15 * 1024 * 1024)
#define ENTRY_COST 256

struct _SocketsDump
{
  HapAction parent_instance;
};

G_DEFINE_FINAL_TYPE (SocketsDump, sockets_dump, HAP_TYPE_ACTION)

/* A report on its way. */
typedef struct
{
  SocketsMoment *moment;
  HapReport *report;
  HapOriginCounts *counts;
  gsize left; /* bytes */
  guint n_left_out;
} Run;

static void
add (GVariantBuilder *builder, const char *key, GVariant *value)
{
  g_variant_builder_add_value (
      builder, g_variant_new_dict_entry (g_variant_new_string (key), g_variant_new_variant (value)));
}

static void
add_text (GVariantBuilder *builder, const char *key, const char *text)
{
  if (text != NULL && text[0] != '\0')
    add (builder, key, g_variant_new_string (text));
}

static void
add_kind (GVariantBuilder *builder, gint family, gint type, gint protocol)
{
  add (builder, "family", g_variant_new_int32 (family));
  add (builder, "type", g_variant_new_int32 (type));
  add (builder, "proto", g_variant_new_int32 (protocol));
}

/* @facts: (nullable): it is in none of the kernel's tables */
static void
add_kernel (GVariantBuilder *builder, guint64 inode, const SocketsFacts *facts)
{
  add (builder, "inode", g_variant_new_uint64 (inode));
  if (facts == NULL)
    return;
  add_text (builder, "state", facts->state);
  if (facts->receive_queue >= 0)
    add (builder, "receive_queue", g_variant_new_uint64 ((guint64)facts->receive_queue));
  if (facts->send_queue >= 0)
    add (builder, "send_queue", g_variant_new_uint64 ((guint64)facts->send_queue));
  if (facts->idle_ms >= 0)
    add (builder, "idle", g_variant_new_double ((double)facts->idle_ms / 1e3));
}

static gboolean
send_entry (Run *run, const char *message, GVariant *fields, GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (fields);
  gsize size = strlen (message) + g_variant_get_size (owned) + ENTRY_COST;

  if (size > run->left)
    {
      run->n_left_out++;
      return TRUE;
    }
  run->left -= size;
  return hap_report_entry (run->report, message, owned, error);
}

static gboolean
report_object (Run *run, const SocketsObject *object, GError **error)
{
  const SocketsFacts *facts;
  SocketsVerdict verdict = sockets_moment_judge (run->moment, object, &facts);
  SocketsAddresses addresses =
      sockets_find_addresses (object, verdict, facts, sockets_kernel_get_tables (run->moment->kernel));
  g_autofree char *message = sockets_print_object (object, &addresses);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add_text (&builder, "class", object->class_name);
  add (&builder, "object", g_variant_new_uint64 (object->address));
  add (&builder, "fd", g_variant_new_int32 (object->fd));
  add (&builder, "closed", g_variant_new_boolean (object->closed || object->fd < 0));
  add_kind (&builder, object->family, object->type, object->protocol);
  add_text (&builder, "laddr", addresses.local);
  add_text (&builder, "raddr", addresses.remote);
  if (verdict == SOCKETS_OPEN)
    add_kernel (&builder, sockets_moment_find (run->moment, object->fd), facts);
  if (verdict == SOCKETS_CHANGED)
    add (&builder, "changing", g_variant_new_boolean (TRUE));
  if (verdict == SOCKETS_STALE)
    add_text (&builder, "leak", "object-without-descriptor");
  if (object->origin != NULL)
    {
      add_text (&builder, "integration", object->origin->name);
      add_text (&builder, "kind", hap_origin_kind_to_string (object->origin->kind));
      add_text (&builder, "rests_on", object->rests_on);
    }
  hap_origin_counts_add (run->counts, object->origin);
  return send_entry (run, message, g_variant_builder_end (&builder), error);
}

static gboolean
report_stranger (Run *run, const HapSocket *socket, GError **error)
{
  const SocketsFacts *facts = sockets_kernel_find (run->moment->kernel, socket->inode);
  g_autofree char *message = sockets_print_stranger (socket->fd, facts);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add (&builder, "fd", g_variant_new_int32 ((gint32)socket->fd));
  if (facts != NULL)
    {
      add_kind (&builder, facts->family, facts->type, facts->protocol);
      add_text (&builder, "laddr", facts->local);
      add_text (&builder, "raddr", facts->remote);
    }
  add_kernel (&builder, socket->inode, facts);
  add_text (&builder, "leak", "descriptor-without-object");
  return send_entry (run, message, g_variant_builder_end (&builder), error);
}

static gboolean
report_notes (Run *run, GError **error)
{
  guint n_stale = g_hash_table_size (run->moment->stale);
  g_autofree char *stale =
      g_strdup_printf (_ ("Socket objects whose descriptor was closed behind their back: %u"), n_stale);

  if (n_stale > 0 && !hap_report_entry (run->report, stale, NULL, error))
    return FALSE;
  return sockets_kernel_get_tables (run->moment->kernel) != 0
         || hap_report_entry (run->report,
                              _ ("The kernel does not tell of the sockets in this process's network: "
                                 "addresses and states are missing"),
                              NULL, error);
}

static gboolean
report_sum (Run *run, GError **error)
{
  const SocketsMoment *moment = run->moment;
  g_autofree char *list = hap_origin_counts_to_string (run->counts);
  g_autofree char *message = g_strconcat (_ ("Sockets by integration:"), list, NULL);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add (&builder, "integrations", hap_origin_counts_to_variant (run->counts, "sockets"));
  add (&builder, "sockets", g_variant_new_uint32 (moment->objects->len));
  add (&builder, "descriptors", g_variant_new_uint32 (moment->after->len));
  add (&builder, "without_descriptor", g_variant_new_uint32 (g_hash_table_size (moment->stale)));
  add (&builder, "without_object", g_variant_new_uint32 (moment->strangers->len));
  if (run->n_left_out > 0)
    add (&builder, "left_out", g_variant_new_uint32 (run->n_left_out));
  add (&builder, "pause_us", g_variant_new_double ((double)moment->pause_ns / 1e3));
  add_text (&builder, "no_snapshot", moment->no_snapshot);
  add_text (&builder, "source", moment->source);
  add (&builder, "still", g_variant_new_boolean (moment->still));
  add (&builder, "python", g_variant_new_string (moment->python));
  return hap_report_entry (run->report, message, g_variant_builder_end (&builder), error);
}

static gboolean
sockets_dump_run (HapAction *action,
                  HapTarget *target,
                  HapReport *report,
                  GCancellable *cancellable,
                  GError **error)
{
  g_auto (SocketsMoment) moment = { 0 };
  g_autoptr (HapOriginCounts) counts = hap_origin_counts_new ();
  Run run = { &moment, report, counts, MAX_REPORT, 0 };

  if (!sockets_moment_read (&moment, target, cancellable, error)
      || !hap_report_entry (report, "Sockets used by Home Assistant:", NULL, error))
    return FALSE;
  for (guint i = 0; i < moment.objects->len; i++)
    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !report_object (&run, moment.objects->pdata[i], error))
      return FALSE;
  for (guint i = 0; i < moment.strangers->len; i++)
    if (g_cancellable_set_error_if_cancelled (cancellable, error)
        || !report_stranger (&run, &g_array_index (moment.strangers, HapSocket, i), error))
      return FALSE;
  return report_notes (&run, error) && report_sum (&run, error);
}

static void
sockets_dump_class_init (SocketsDumpClass *klass)
{
  HapActionClass *action_class = HAP_ACTION_CLASS (klass);

  action_class->method = "DumpSockets";
  action_class->summary = N_ ("Show each socket, whose it is, and those that are lost");
  action_class->authority = "observe";
  action_class->reply = HAP_REPLY_REPORT;
  action_class->run = sockets_dump_run;
}

static void
sockets_dump_init (SocketsDump *self)
{
}
