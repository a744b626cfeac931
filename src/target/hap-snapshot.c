/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapSnapshot: a frozen fork of the target, or, where the kernel refuses one, what the target can write,
 * copied while it is held, if that is little. Making and ending the fork is the tracer's, opening it the
 * broker's.
 */

#include "hap-snapshot.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "hap-copied-memory.h"
#include "hap-error.h"
#include "hap-live-memory.h"
#include "hap-target-private.h"

/* What can be copied at 1 GB/s while the target is held, and of the tracer's limit (20 ms) how long that may
 * take. */
#define MAX_COPIED ((gsize)12 * 1024 * 1024)
#define COPY_US (15 * 1000)

/* How often a hold that came to nothing is tried. */
#define MAX_HOLDS 3

struct _HapSnapshot
{
  HapTarget *target;
  HapMemory *memory;
  HapMaps *maps;
  guint64 pause_ns;
  double time;
  HapRefusal refusal;
  gboolean is_fork;
};

static double
get_time (void)
{
  return (double)g_get_monotonic_time () / G_USEC_PER_SEC;
}

/* What the kernel calls so; 0: there is none. */
static guint64
find_vdso (HapMaps *maps)
{
  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);

      if (mapping->inode == 0 && g_str_equal (mapping->path, "[vdso]"))
        return mapping->start;
    }
  return 0;
}

/* A copy that was gone before it could be opened, or is about to be (@ended), while the target goes on: its
 * tracer's watchdog ended both, or memory is short. That is no end of the target's, and no lack of rights, as
 * it looks like. */
static void
set_copy_error (HapSnapshot *self, gboolean ended, GError **error)
{
  if (!ended && !g_error_matches (*error, HAP_ERROR, HAP_ERROR_TARGET_GONE))
    return;
  if (hap_target_is_gone (self->target))
    {
      if (*error == NULL)
        g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, _ ("The target has ended"));
      return;
    }
  g_clear_error (error);
  g_set_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT,
               _ ("The copy of the target was ended: memory is short, or it took too long"));
}

static gboolean
open_copy (HapSnapshot *self, guint pid, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GError) late = NULL;
  gboolean ended;
  int mem_fd, maps_fd = -1;

  if (hap_broker_open_copy (hap_target_get_broker (self->target), pid, &mem_fd, &maps_fd, &local_error))
    self->memory = hap_live_memory_new (mem_fd);
  hap_target_let_go (self->target, &self->pause_ns, &late);
  if (maps_fd >= 0)
    {
      self->maps = hap_maps_read (maps_fd, &local_error);
      close (maps_fd);
    }
  ended = g_error_matches (late, HAP_ERROR, HAP_ERROR_TIMED_OUT);
  if (self->maps != NULL && !ended)
    return TRUE;
  set_copy_error (self, ended, &local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* FALSE without @error: refused. */
static gboolean
fork_target (HapSnapshot *self, GError **error)
{
  HapMaps *maps = hap_target_get_maps (self->target, error);
  guint pid;

  if (maps == NULL || !hap_target_freeze (self->target, find_vdso (maps), &pid, &self->refusal, error))
    return FALSE;
  self->time = get_time ();
  self->is_fork = TRUE;
  return open_copy (self, pid, error);
}

static gboolean
is_copied (const HapMapping *mapping)
{
  return mapping->readable && mapping->writable && !mapping->shared;
}

static gsize
measure (HapMaps *maps)
{
  gsize size = 0;

  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);

      if (is_copied (mapping))
        size += mapping->end - mapping->start;
    }
  return size;
}

/* Returns: (transfer full) (nullable): NULL: it took too long, or is too much. The target is held. */
static HapImage *
copy_ranges (HapMemory *memory, HapMaps *maps, GBytes *room, gint64 deadline)
{
  g_autoptr (HapImage) image = hap_image_new ();
  gsize used = 0;

  if (measure (maps) > g_bytes_get_size (room))
    return NULL;
  for (guint i = 0; i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);
      g_autoptr (GBytes) part = NULL;
      gsize size;

      if (!is_copied (mapping))
        continue;
      if (g_get_monotonic_time () > deadline)
        return NULL;
      /* The room is ours alone until the image has it. */
      size = hap_memory_read_some (memory, mapping->start, (guint8 *)g_bytes_get_data (room, NULL) + used,
                                   mapping->end - mapping->start);
      part = g_bytes_new_from_bytes (room, used, size);
      hap_image_add (image, mapping->start, part);
      used += size;
    }
  return g_steal_pointer (&image);
}

static gboolean
copy_once (HapSnapshot *self, GBytes *room, GError **error)
{
  HapMemory *live = hap_target_get_memory (self->target);
  g_autoptr (HapImage) image = NULL;
  gint64 deadline;
  guint64 pause = 0;

  if (!hap_target_hold (self->target, 0, error))
    return FALSE;
  deadline = g_get_monotonic_time () + COPY_US;
  self->time = get_time ();
  if (hap_target_refresh_maps (self->target, error))
    {
      self->maps = hap_maps_ref (hap_target_get_maps (self->target, NULL));
      image = copy_ranges (live, self->maps, room, deadline);
    }
  if (!hap_target_let_go (self->target, &pause, self->maps != NULL ? error : NULL) || self->maps == NULL)
    return FALSE;
  self->pause_ns += pause;
  if (image != NULL)
    {
      self->memory = hap_copied_memory_new (image, self->maps, live);
      return TRUE;
    }
  g_set_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT, _ ("There was no time to copy the target's memory"));
  return FALSE;
}

static gboolean
copy_target (HapSnapshot *self, GError **error)
{
  g_autoptr (GBytes) room = NULL;
  gsize size;

  if (!hap_target_refresh_maps (self->target, error))
    return FALSE;
  size = measure (hap_target_get_maps (self->target, NULL));
  if (size > MAX_COPIED)
    {
      g_set_error (error, HAP_ERROR,
                   self->refusal == HAP_REFUSAL_MEMORY || self->refusal == HAP_REFUSAL_PROCESSES
                       ? HAP_ERROR_NO_SPACE
                       : HAP_ERROR_UNSUPPORTED_TARGET,
                   _ ("No snapshot can be made: %s; and what the target can write (%zu MiB) is more than the "
                      "%zu MiB that can be copied while it stands still"),
                   hap_snapshot_get_refusal (self), size >> 20, (gsize)MAX_COPIED >> 20);
      return FALSE;
    }

  /* Zeroed by hand, so that no page of it is missing while the target waits. */
  room = g_bytes_new_take (memset (g_malloc (MAX_COPIED), 0, MAX_COPIED), MAX_COPIED);
  for (guint i = 1; i < MAX_HOLDS; i++)
    {
      g_autoptr (GError) local_error = NULL;

      if (copy_once (self, room, &local_error))
        return TRUE;
      g_clear_pointer (&self->maps, hap_maps_unref);
      if (!g_error_matches (local_error, HAP_ERROR, HAP_ERROR_TIMED_OUT))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }
  return copy_once (self, room, error);
}

HapSnapshot *
hap_target_snapshot (HapTarget *target, GCancellable *cancellable, GError **error)
{
  g_autoptr (HapSnapshot) self = g_new0 (HapSnapshot, 1);
  g_autoptr (GError) local_error = NULL;

  self->target = g_object_ref (target);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (fork_target (self, &local_error))
    return g_steal_pointer (&self);
  if (local_error == NULL && copy_target (self, &local_error))
    return g_steal_pointer (&self);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

void
hap_snapshot_free (HapSnapshot *self)
{
  g_clear_object (&self->memory);
  if (self->is_fork)
    hap_target_drop (self->target, NULL);
  g_clear_pointer (&self->maps, hap_maps_unref);
  g_clear_object (&self->target);
  g_free (self);
}

HapMemory *
hap_snapshot_get_memory (HapSnapshot *self)
{
  return self->memory;
}

HapMaps *
hap_snapshot_get_maps (HapSnapshot *self)
{
  return self->maps;
}

guint64
hap_snapshot_get_pause_ns (HapSnapshot *self)
{
  return self->pause_ns;
}

double
hap_snapshot_get_time (HapSnapshot *self)
{
  return self->time;
}

gboolean
hap_snapshot_is_fork (HapSnapshot *self)
{
  return self->is_fork;
}

const char *
hap_snapshot_get_refusal (HapSnapshot *self)
{
  static const char *const refusals[] = {
    [HAP_REFUSAL_PROCESSES] =
        N_ ("a limit of processes (RLIMIT_NPROC, or its control group's) leaves no room for a copy"),
    [HAP_REFUSAL_MEMORY] =
        N_ ("the kernel has no memory for a copy, or does not promise any (vm.overcommit_memory)"),
    [HAP_REFUSAL_SECCOMP] = N_ ("the target is under seccomp and must not be made to fork"),
    [HAP_REFUSAL_NO_ROOM] =
        N_ ("this kernel, or processor, has no place for the code that makes the target fork"),
  };

  return refusals[self->refusal] != NULL ? _ (refusals[self->refusal]) : NULL;
}

gboolean
hap_snapshot_is_alive (HapSnapshot *self)
{
  char byte;

  return hap_maps_get_length (self->maps) > 0
         && hap_memory_read (self->memory, hap_maps_get (self->maps, 0)->start, &byte, 1);
}

void
hap_snapshot_get_holes (HapSnapshot *self, guint64 *shared, guint64 *missing)
{
  HapMaps *maps = hap_target_get_maps (self->target, NULL);

  *shared = *missing = 0;
  for (guint i = 0; i < hap_maps_get_length (self->maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (self->maps, i);

      if (mapping->shared && mapping->writable)
        *shared += mapping->end - mapping->start;
    }
  for (guint i = 0; maps != NULL && i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);

      if (is_copied (mapping) && hap_maps_find (self->maps, mapping->start) == NULL)
        *missing += mapping->end - mapping->start;
    }
}

static HapTracer *
get_tracer (HapSnapshot *self, GError **error)
{
  if (self->is_fork)
    return hap_target_get_tracer (self->target, error);
  g_set_error (error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
               _ ("Nothing can run in a copy of the target: %s"), hap_snapshot_get_refusal (self));
  return NULL;
}

static gboolean
set_gone_error (GError **error)
{
  if (error == NULL || !g_error_matches (*error, HAP_ERROR, HAP_ERROR_TARGET_GONE))
    return FALSE;
  g_clear_error (error);
  g_set_error (error, HAP_ERROR, HAP_ERROR_NO_SPACE,
               _ ("The copy of the target was ended: memory is short, or it took too long"));
  return FALSE;
}

gboolean
hap_snapshot_patch (HapSnapshot *self, const HapWrite *writes, guint n_writes, GError **error)
{
  HapTracer *tracer = get_tracer (self, error);

  return tracer != NULL && (hap_tracer_patch (tracer, writes, n_writes, error) || set_gone_error (error));
}

gboolean
hap_snapshot_run (HapSnapshot *self, guint descriptor, GError **error)
{
  HapTracer *tracer = get_tracer (self, error);

  return tracer != NULL && (hap_tracer_run (tracer, descriptor, error) || set_gone_error (error));
}

gboolean
hap_snapshot_is_running (HapSnapshot *self)
{
  HapTracer *tracer = get_tracer (self, NULL);
  gboolean runs = FALSE;

  return tracer != NULL && hap_tracer_watch (tracer, &runs, NULL) && runs;
}
