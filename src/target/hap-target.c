/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapTarget: the attached process: its memory, its mappings, its threads, and whether it is still the one
 * that it was. It holds descriptors only; who opens them is the broker's matter, who stops threads the
 * tracer's.
 */

#include "hap-target.h"

#include <glib/gi18n.h>
#include <poll.h>
#include <unistd.h>

#include "hap-target-private.h"
#include "hap-thread-private.h"

/* More than any sound process has; each costs two descriptors. */
#define MAX_THREADS 16384

#define TURN_US G_USEC_PER_SEC
#define TURN_INTERVAL_US 2000

struct _HapTarget
{
  GObject parent_instance;

  guint pid;
  int pidfd;
  int maps_fd;
  HapMemory *memory;
  HapTracer *tracer;
  HapBroker *broker;

  HapMaps *maps;
  GHashTable *threads; /* ns_tid -> HapThread */
};

G_DEFINE_FINAL_TYPE (HapTarget, hap_target, G_TYPE_OBJECT)

static void
thread_free (gpointer data)
{
  hap_thread_clear (data);
  g_free (data);
}

static GHashTable *
thread_table_new (void)
{
  return g_hash_table_new_full (NULL, NULL, NULL, thread_free);
}

static void
hap_target_finalize (GObject *object)
{
  HapTarget *self = HAP_TARGET (object);

  g_clear_pointer (&self->threads, g_hash_table_unref);
  g_clear_pointer (&self->maps, hap_maps_unref);
  g_clear_object (&self->tracer);
  g_clear_object (&self->broker);
  g_clear_object (&self->memory);
  if (self->maps_fd >= 0)
    close (self->maps_fd);
  if (self->pidfd >= 0)
    close (self->pidfd);

  G_OBJECT_CLASS (hap_target_parent_class)->finalize (object);
}

static void
hap_target_class_init (HapTargetClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hap_target_finalize;
}

static void
hap_target_init (HapTarget *self)
{
  self->pidfd = -1;
  self->maps_fd = -1;
  self->threads = thread_table_new ();
}

HapTarget *
hap_target_new (guint pid, int pidfd, int maps_fd, HapMemory *memory, HapBroker *broker)
{
  HapTarget *self = g_object_new (HAP_TYPE_TARGET, NULL);

  self->pid = pid;
  self->pidfd = pidfd;
  self->maps_fd = maps_fd;
  self->memory = g_object_ref (memory);
  self->broker = g_object_ref (broker);
  return self;
}

guint
hap_target_get_pid (HapTarget *self)
{
  return self->pid;
}

HapMemory *
hap_target_get_memory (HapTarget *self)
{
  return self->memory;
}

HapBroker *
hap_target_get_broker (HapTarget *self)
{
  return self->broker;
}

HapMaps *
hap_target_get_maps (HapTarget *self, GError **error)
{
  if (self->maps == NULL && !hap_target_refresh_maps (self, error))
    return NULL;
  return self->maps;
}

gboolean
hap_target_refresh_maps (HapTarget *self, GError **error)
{
  HapMaps *maps = hap_maps_read (self->maps_fd, error);

  if (maps == NULL)
    return FALSE;
  g_clear_pointer (&self->maps, hap_maps_unref);
  self->maps = maps;
  return TRUE;
}

gboolean
hap_target_is_alive (HapTarget *self)
{
  struct pollfd ended = { .fd = self->pidfd, .events = POLLIN };

  return self->pidfd < 0 || poll (&ended, 1, 0) == 0;
}

/* A process that ends gives its memory back first, and is seen to have ended only then: a large one takes a
 * while. */
static gboolean
is_ending (HapTarget *self)
{
  g_autoptr (GArray) threads = hap_broker_open_threads (self->broker, self->pid - 1, NULL);

  if (threads == NULL || threads->len == 0)
    return TRUE;
  return hap_thread_is_ending (&g_array_index (threads, HapThread, 0));
}

gboolean
hap_target_has_execed (HapTarget *self)
{
  char byte;

  /* Both descriptors belong to the address space of their opening: its list of mappings is empty once it is
   * gone. */
  if (self->pidfd < 0 || pread (self->maps_fd, &byte, 1, 0) != 0)
    return FALSE;
  return hap_target_is_alive (self) && !is_ending (self);
}

gboolean
hap_target_is_gone (HapTarget *self)
{
  char byte;

  return !hap_target_is_alive (self) || (self->pidfd >= 0 && pread (self->maps_fd, &byte, 1, 0) == 0);
}

gboolean
hap_target_start_tracer (HapTarget *self, GError **error)
{
  int fd;

  if (self->tracer != NULL && hap_tracer_is_alive (self->tracer))
    return TRUE;
  fd = hap_broker_open_tracer (self->broker, error);
  if (fd < 0)
    return FALSE;
  g_clear_object (&self->tracer);
  self->tracer = hap_tracer_new (fd);
  return TRUE;
}

HapTracer *
hap_target_get_tracer (HapTarget *self, GError **error)
{
  return hap_target_start_tracer (self, error) ? self->tracer : NULL;
}

/* Its watchdog ends a tracer when the machine gave it no time: that is one hold which took too long, no more.
 */
void
hap_target_forgive_end (HapTarget *self, GError **error)
{
  if (error == NULL || hap_tracer_is_alive (self->tracer))
    return;
  (*error)->code = HAP_ERROR_TIMED_OUT;
}

/*
 * Another job of ours holds the target for moments, and for half of the time at most; a debugger does for
 * long. So who finds it held tries again, for TURN_US. By chance, so that two who wait for each other do not
 * keep step.
 */
gboolean
hap_target_await_turn (gint64 *end, GError **error)
{
  gint64 now = g_get_monotonic_time ();

  if (error == NULL || !g_error_matches (*error, HAP_ERROR, HAP_ERROR_BUSY))
    return FALSE;
  if (*end == 0)
    *end = now + TURN_US;
  if (now >= *end)
    return FALSE;
  g_clear_error (error);
  g_usleep ((gulong)g_random_int_range (TURN_INTERVAL_US / 2, TURN_INTERVAL_US * 3 / 2));
  return TRUE;
}

static gboolean
hold_once (HapTarget *self, guint tid, GError **error)
{
  if (!hap_target_start_tracer (self, error))
    return FALSE;
  if (hap_tracer_hold (self->tracer, tid, error))
    return TRUE;
  hap_target_forgive_end (self, error);
  return FALSE;
}

/* A single thread is a sampler's, who does not wait: it looks again soon. */
gboolean
hap_target_hold (HapTarget *self, guint tid, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 end = 0;

  if (tid != 0)
    return hold_once (self, tid, error);
  do
    if (hold_once (self, tid, &local_error))
      return TRUE;
  while (hap_target_await_turn (&end, &local_error));
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

gboolean
hap_target_let_go (HapTarget *self, guint64 *pause_ns, GError **error)
{
  g_return_val_if_fail (self->tracer != NULL, FALSE);

  if (hap_tracer_let_go (self->tracer, pause_ns, error))
    return TRUE;
  hap_target_forgive_end (self, error);
  return FALSE;
}

static gboolean
freeze_once (HapTarget *self, guint64 vdso, guint *copy, HapRefusal *refusal, GError **error)
{
  *refusal = HAP_REFUSAL_NONE;
  if (!hap_target_start_tracer (self, error))
    return FALSE;
  if (hap_tracer_freeze (self->tracer, vdso, copy, refusal, error))
    return TRUE;
  hap_target_forgive_end (self, error);
  return FALSE;
}

gboolean
hap_target_freeze (HapTarget *self, guint64 vdso, guint *copy, HapRefusal *refusal, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 end = 0;

  do
    if (freeze_once (self, vdso, copy, refusal, &local_error))
      return TRUE;
  while (hap_target_await_turn (&end, &local_error));
  /* Refused, it is no error. */
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

gboolean
hap_target_drop (HapTarget *self, GError **error)
{
  gboolean dropped = hap_tracer_drop (self->tracer, error);

  /* With a tracer that its watchdog ended the copy ended, too; the next one has the target reap it. */
  if (!hap_tracer_is_alive (self->tracer))
    hap_target_start_tracer (self, NULL);
  return dropped;
}

gboolean
hap_target_read_registers (HapTarget *self, guint tid, HapRegisters *registers, GError **error)
{
  g_return_val_if_fail (self->tracer != NULL, FALSE);

  return hap_tracer_read_registers (self->tracer, tid, registers, error);
}

/* Moves the threads of @batch into @table; FALSE if they are not in the order that brings the listing to an
 * end. */
static gboolean
take_threads (GHashTable *table, GArray *batch, guint *last)
{
  for (guint i = 0; i < batch->len; i++)
    {
      HapThread *thread = &g_array_index (batch, HapThread, i);

      if (thread->tid <= *last || g_hash_table_size (table) >= MAX_THREADS)
        return FALSE;
      *last = thread->tid;
      g_hash_table_replace (table, GUINT_TO_POINTER (thread->ns_tid), g_memdup2 (thread, sizeof *thread));
      thread->stat_fd = thread->schedstat_fd = -1;
    }
  return TRUE;
}

gboolean
hap_target_refresh_threads (HapTarget *self, GError **error)
{
  g_autoptr (GHashTable) table = thread_table_new ();
  guint last = 0;

  while (TRUE)
    {
      g_autoptr (GArray) batch = hap_broker_open_threads (self->broker, last, error);

      if (batch == NULL)
        return FALSE;
      if (batch->len == 0)
        break;
      if (!take_threads (table, batch, &last))
        {
          g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
                       _ ("The target has more than %d threads"), MAX_THREADS);
          return FALSE;
        }
    }
  g_hash_table_unref (self->threads);
  self->threads = g_steal_pointer (&table);
  return TRUE;
}

const HapThread *
hap_target_find_thread (HapTarget *self, guint ns_tid)
{
  const HapThread *known = g_hash_table_lookup (self->threads, GUINT_TO_POINTER (ns_tid));

  if (known == NULL && ns_tid != 0 && hap_target_refresh_threads (self, NULL))
    known = g_hash_table_lookup (self->threads, GUINT_TO_POINTER (ns_tid));
  return known;
}

guint
hap_target_get_n_threads (HapTarget *self)
{
  return g_hash_table_size (self->threads);
}
