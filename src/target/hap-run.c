/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What makes a target run something by itself, asked of its tracer. When that is safe, and what it means to
 * the interpreter, is the python room's matter.
 */

#include "hap-run.h"

#include <unistd.h>

#include "hap-target-private.h"

void
hap_shared_file_clear (HapSharedFile *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* 0: the target has none. */
static guint64
find_vdso (HapTarget *self, guint64 *end)
{
  HapMaps *maps = hap_target_get_maps (self, NULL);

  for (guint i = 0; maps != NULL && i < hap_maps_get_length (maps); i++)
    {
      const HapMapping *mapping = hap_maps_get (maps, i);

      if (mapping->inode == 0 && g_str_equal (mapping->path, "[vdso]"))
        {
          *end = mapping->end;
          return mapping->start;
        }
    }
  *end = 0;
  return 0;
}

static gboolean
open_files_once (HapTarget *self, HapSharedFile files[2], GError **error)
{
  HapTracer *tracer = hap_target_get_tracer (self, error);
  guint64 end;
  guint numbers[2];
  int fds[2];

  if (tracer == NULL)
    return FALSE;
  if (!hap_tracer_open_files (tracer, find_vdso (self, &end), numbers, fds, error))
    {
      hap_target_forgive_end (self, error);
      return FALSE;
    }
  for (guint i = 0; i < 2; i++)
    files[i] = (HapSharedFile){ fds[i], numbers[i] };
  return TRUE;
}

gboolean
hap_target_open_files (HapTarget *self, HapSharedFile files[2], GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 end = 0;

  do
    if (open_files_once (self, files, &local_error))
      return TRUE;
  while (hap_target_await_turn (&end, &local_error));
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
close_files_once (HapTarget *self, GError **error)
{
  HapTracer *tracer = hap_target_get_tracer (self, error);

  if (tracer == NULL)
    return FALSE;
  if (hap_tracer_close_files (tracer, error))
    return TRUE;
  hap_target_forgive_end (self, error);
  return FALSE;
}

gboolean
hap_target_close_files (HapTarget *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 end = 0;

  do
    if (close_files_once (self, &local_error))
      return TRUE;
  while (hap_target_await_turn (&end, &local_error));
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

gboolean
hap_target_publish (HapTarget *self, const char *text, const HapWrite *writes, guint n_writes, GError **error)
{
  HapTracer *tracer = hap_target_get_tracer (self, error);
  guint64 end;

  if (tracer == NULL)
    return FALSE;
  if (hap_tracer_publish (tracer, find_vdso (self, &end), text, writes, n_writes, error))
    return TRUE;
  hap_target_forgive_end (self, error);
  return FALSE;
}

guint64
hap_target_get_text_address (HapTarget *self)
{
  guint64 end;

  return find_vdso (self, &end) != 0 ? end - hap_tracer_get_text_room () : 0;
}

gboolean
hap_target_wake (HapTarget *self, guint tid, GError **error)
{
  HapTracer *tracer = hap_target_get_tracer (self, error);

  if (tracer == NULL)
    return FALSE;
  if (hap_tracer_wake (tracer, tid, error))
    return TRUE;
  hap_target_forgive_end (self, error);
  return FALSE;
}
