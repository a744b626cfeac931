/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Waiting for a time, without any wake-up before it, that a cancellation ends: for actions that come back
 * again and again.
 */

#include "hap-wait.h"

gboolean
hap_wait_until (gint64 when, GCancellable *cancellable)
{
  GPollFD cancelled;
  gboolean can_poll = g_cancellable_make_pollfd (cancellable, &cancelled);

  while (!g_cancellable_is_cancelled (cancellable))
    {
      gint64 left = when - g_get_monotonic_time ();

      if (left <= 0)
        break;
      g_poll (&cancelled, can_poll ? 1 : 0, (gint)MIN ((left + 999) / 1000, G_MAXINT));
    }
  if (can_poll)
    g_cancellable_release_fd (cancellable);
  return !g_cancellable_is_cancelled (cancellable);
}
