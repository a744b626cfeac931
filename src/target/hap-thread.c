/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the kernel says of a thread right now. Called for every sample: one read of each file that is needed,
 * and no more parsing than the fields asked for.
 */

#include "hap-target.h"

#include <string.h>
#include <unistd.h>

#include "hap-thread-private.h"

#define PF_EXITING 0x4 /* include/linux/sched.h; proc(5) names the field, not the flag */

/*
 * Reads the beginning of a stat file: returns where the state letter is, NULL when the thread has ended. The
 * name before it, in parentheses, is the target's choice and may hold any text; after the last ')' there are
 * numbers only.
 */
static const char *
read_stat (const HapThread *thread, char *text, gsize size)
{
  gssize n = pread (thread->stat_fd, text, size - 1, 0);
  const char *name_end = n > 0 ? memrchr (text, ')', n) : NULL;

  if (name_end == NULL || name_end + 2 >= text + n)
    return NULL;
  text[n] = '\0';
  return name_end + 2;
}

char
hap_thread_read_state (const HapThread *thread)
{
  char text[192];
  const char *state = read_stat (thread, text, sizeof text);

  if (state == NULL || *state == 'Z' || *state == 'X')
    return '\0';
  return *state;
}

gboolean
hap_thread_is_ending (const HapThread *thread)
{
  char text[256];
  const char *at = read_stat (thread, text, sizeof text);

  if (at == NULL || *at == 'Z' || *at == 'X')
    return TRUE;

  /* From the state, field 3, to the flags, field 9. */
  for (guint field = 3; field < 9 && at != NULL; field++)
    {
      at = strchr (at, ' ');
      at = at != NULL ? at + 1 : NULL;
    }
  return at == NULL || (g_ascii_strtoull (at, NULL, 10) & PF_EXITING) != 0;
}

gboolean
hap_thread_read_schedule (const HapThread *thread, guint64 *run_ns, guint64 *switches)
{
  char text[64];
  gssize n = pread (thread->schedstat_fd, text, sizeof text - 1, 0);
  char *at;
  guint64 run;

  if (n <= 0)
    return FALSE;
  text[n] = '\0';

  /* "time on a CPU, time waiting for one, turns on one". */
  run = g_ascii_strtoull (text, &at, 10);
  g_ascii_strtoull (at, &at, 10);
  *switches = g_ascii_strtoull (at, NULL, 10);
  *run_ns = run;
  return TRUE;
}

gboolean
hap_thread_read_activity (const HapThread *thread, HapThreadActivity *activity)
{
  HapThreadActivity now = { .state = hap_thread_read_state (thread) };

  if (now.state == '\0' || !hap_thread_read_schedule (thread, &now.run_ns, &now.switches))
    return FALSE;
  now.running = now.state == 'R';
  *activity = now;
  return TRUE;
}
