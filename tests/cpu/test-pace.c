/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shares that a pace leads to, of a target whose time is made up here: nobody sleeps. */

#include "cpu-pace.h"

#define MS G_GINT64_CONSTANT (1000000)
#define SECOND (1000 * MS)

/* The target is busy at the beginning of each period, or, where periods are too short to tell, by chance. */
typedef struct
{
  gint64 period_ns, busy_ns;
  gboolean by_chance;
  gint64 busy_cost_ns, idle_cost_ns; /* of an observation */
} Life;

typedef struct
{
  guint64 busy, all; /* slots */
  guint n_observations;
} Seen;

static Seen
watch (CpuPace *pace, gint64 *now, gint64 end, const Life *life)
{
  Seen seen = { 0 };

  while (*now < end)
    {
      guint64 weight;
      gint64 moment = cpu_pace_next (pace, *now, &weight);
      gboolean busy;

      *now = MAX (*now, moment);
      busy = (life->by_chance ? g_test_rand_int_range (0, life->period_ns) : *now % life->period_ns)
             < life->busy_ns;
      seen.busy += busy ? weight : 0;
      seen.all += weight;
      seen.n_observations++;
      *now += busy ? life->busy_cost_ns : life->idle_cost_ns;
    }
  return seen;
}

static Seen
watch_for (double rate, gint64 duration, const Life *life)
{
  CpuPace pace;
  gint64 now = 12345;
  Seen seen;

  cpu_pace_init (&pace, now, rate);
  seen = watch (&pace, &now, duration, life);
  cpu_pace_clear (&pace);
  return seen;
}

static void
test_kept (void)
{
  const Life life = { 200 * MS, 60 * MS, FALSE, MS / 2, MS / 10 };
  Seen seen = watch_for (50, 100 * SECOND, &life);

  g_assert_cmpuint (seen.n_observations, >=, 4999);
  g_assert_cmpuint (seen.n_observations, <=, 5001);
  g_assert_cmpuint (seen.all, ==, seen.n_observations);
}

/* What is busy takes longer to observe than there is time for it: its share is right all the same. */
static void
test_share (gconstpointer data)
{
  const Life *life = data;
  double truth = (double)life->busy_ns / (double)life->period_ns;
  static const double rates[] = { 50, 200, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++)
    {
      Seen seen = watch_for (rates[i], 400 * SECOND, life);
      double share = (double)seen.busy / (double)seen.all;

      g_test_message ("%.0f a second: %u observations, %.1f %% of %.1f %%", rates[i], seen.n_observations,
                      100 * share, 100 * truth);
      g_assert_cmpfloat_with_epsilon (share, truth, 0.02);
    }
}

/* All that can be had: one after the other. */
static void
test_highest (void)
{
  const Life life = { 200 * MS, 60 * MS, FALSE, MS, MS / 10 };
  Seen seen = watch_for (200000, 20 * SECOND, &life);

  g_assert_cmpuint (seen.n_observations, >=, 20 * (300 + 7000) * 95 / 100);
  g_assert_cmpuint (seen.all, ==, seen.n_observations);
}

static void
test_taken_up_again (void)
{
  const Life slow = { 200 * MS, 60 * MS, FALSE, 60 * MS, 60 * MS };
  const Life quick = { 200 * MS, 60 * MS, FALSE, MS, MS };
  CpuPace pace;
  gint64 now = 0;
  Seen seen;

  cpu_pace_init (&pace, now, 200);
  seen = watch (&pace, &now, 60 * SECOND, &slow);
  g_assert_cmpuint (seen.n_observations, <=, 60 * 1000 / 60);
  g_assert_cmpuint (seen.n_observations, >=, 60 * 1000 / 60 / 2);
  watch (&pace, &now, 300 * SECOND, &quick);
  seen = watch (&pace, &now, 310 * SECOND, &quick);
  g_assert_cmpuint (seen.n_observations, >=, 1999);
  cpu_pace_clear (&pace);
}

int
main (int argc, char *argv[])
{
  static const Life lasting = { 200 * MS, 60 * MS, FALSE, 12 * MS, MS / 10 };
  static const Life brief = { MS / 10, MS / 30, TRUE, 3 * MS, MS / 20 };
  static const Life heavy = { 200 * MS, 150 * MS, FALSE, 12 * MS, MS / 10 };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cpu/pace/kept", test_kept);
  g_test_add_data_func ("/cpu/pace/share/lasting", &lasting, test_share);
  g_test_add_data_func ("/cpu/pace/share/brief", &brief, test_share);
  g_test_add_data_func ("/cpu/pace/share/heavy", &heavy, test_share);
  g_test_add_func ("/cpu/pace/highest", test_highest);
  g_test_add_func ("/cpu/pace/taken-up-again", test_taken_up_again);
  return g_test_run ();
}
