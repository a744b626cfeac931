/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles that tests write: one as a real Home Assistant gives it, and the awkward ones. */
#include "sample-profile.h"

#include <string.h>

#include "hap-callgrind.h"
#include "hap-collapsed.h"
#include "hap-flamegraph.h"
#include "hap-pstats.h"
#include "hap-speedscope.h"

const SampleFormat sample_formats[] = {
  { "profile.cprof", hap_pstats_write },        { "callgrind.out", hap_callgrind_write },
  { "profile.collapsed", hap_collapsed_write }, { "profile.speedscope.json", hap_speedscope_write },
  { "flamegraph.html", hap_flamegraph_write },  { NULL, NULL },
};

#define SITE "/srv/homeassistant/lib/python3.13/site-packages/"
#define LIB "/usr/local/lib/python3.13/"
#define HA SITE "homeassistant/"

static HapProfile *
profile_new (const char *title, guint max_nodes)
{
  HapProfile *self = g_new0 (HapProfile, 1);

  self->tree = hap_call_tree_new (max_nodes);
  self->start_time_us = G_GINT64_CONSTANT (1795340185081222);
  self->interval_ns = 10012345;
  self->kept = 0.5;
  self->duration = 30.04;
  self->pid = 4242;
  self->title = g_strdup (title);
  self->clock = g_strdup ("wall");
  return self;
}

/* One stack, frames "file:line:name" joined by blanks from the outermost to the innermost */
static guint32
push (HapProfile *profile, guint32 node, const char *frames)
{
  g_auto (GStrv) list = g_strsplit (frames, " ", -1);

  for (guint i = 0; list[i] != NULL; i++)
    {
      g_auto (GStrv) part = g_strsplit (list[i], ":", 3);
      const char *dot = strrchr (part[2], '.');

      node =
          hap_call_tree_child (profile->tree, node,
                               hap_call_tree_intern (profile->tree, part[0], dot != NULL ? dot + 1 : part[2],
                                                     part[2], atoi (part[1])));
    }
  return node;
}

/* Samples spread over some lines and activities of the node */
static void
spend (HapProfile *profile, guint32 node, guint running, guint blocking, guint waiting)
{
  const HapFunction *function = hap_call_tree_get_node (profile->tree, node)->function;
  const guint samples[HAP_N_ACTIVITIES] = { running, blocking, waiting };

  for (guint a = 0; a < HAP_N_ACTIVITIES; a++)
    {
      hap_call_tree_add (profile->tree, node, function->line + 3 + (gint)a, (HapActivity)a, samples[a] / 3);
      hap_call_tree_add (profile->tree, node, function->line + 5, (HapActivity)a,
                         samples[a] - samples[a] / 3);
    }
}

/* What an integration does in the event loop: an update that calls a library that parses */
static void
add_integration (HapProfile *profile,
                 guint32 loop,
                 GRand *rand,
                 const char *package,
                 guint busy,
                 guint blocking)
{
  g_autofree char *update = g_strdup_printf ("%scoordinator.py:40:Coordinator._async_update_data", package);
  guint32 node = push (profile, loop, update);

  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *entity = g_strdup_printf ("%ssensor.py:%u:Sensor%u.async_update " HA
                                                 "helpers/entity.py:1020:Entity.async_write_ha_state",
                                                 package, 30 + 12 * i, i);
      guint32 at = push (profile, node, entity);

      spend (profile, at, (guint)g_rand_int_range (rand, 0, 4) * busy / 20, 0, 0);
      spend (profile, push (profile, at, HA "core.py:2180:StateMachine.async_set_internal"), busy / 14, 0, 0);
      spend (profile,
             push (profile, at,
                   LIB "json/__init__.py:299:loads " LIB "json/decoder.py:333:JSONDecoder.decode " LIB
                       "json/decoder.py:344:JSONDecoder.raw_decode"),
             (guint)g_rand_int_range (rand, 1, 5) * busy / 20, 0, 0);
    }
  spend (profile,
         push (profile, node,
               SITE "requests/api.py:62:get " SITE "requests/sessions.py:500:Session.request " SITE
                    "urllib3/connectionpool.py:594:HTTPConnectionPool.urlopen " LIB
                    "socket.py:706:SocketIO.readinto"),
         blocking / 10, blocking, 0);
}

static HapProfile *
home_assistant_profile (void)
{
  HapProfile *self = profile_new ("Home Assistant 2025.11.1, Python 3.13.9", 100000);
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  guint32 main_thread = hap_call_tree_add_thread (self->tree, "MainThread", 4242, TRUE);
  guint32 loop =
      push (self, main_thread,
            LIB "runpy.py:198:_run_module_as_main " HA "__main__.py:180:main " HA "runner.py:150:run " LIB
                "asyncio/base_events.py:660:BaseEventLoop.run_until_complete " LIB
                "asyncio/base_events.py:630:BaseEventLoop.run_forever " LIB
                "asyncio/base_events.py:1910:BaseEventLoop._run_once");
  guint32 handle = push (self, loop, LIB "asyncio/events.py:86:Handle._run");

  spend (self, push (self, loop, LIB "selectors.py:451:EpollSelector.select"), 20, 0, 1400);
  spend (self, loop, 18, 0, 0);
  add_integration (self, handle, rand, "/config/custom_components/slow_meter/", 420, 310);
  add_integration (self, handle, rand, HA "components/zha/", 160, 0);
  add_integration (self, handle, rand, HA "components/mqtt/", 90, 0);
  add_integration (self, handle, rand, HA "components/hue/", 40, 12);
  add_integration (self, handle, rand, HA "components/template/", 70, 0);
  spend (self,
         push (self, handle,
               HA "components/http/__init__.py:300:handle " SITE
                  "aiohttp/web_protocol.py:500:RequestHandler.start " SITE
                  "aiohttp/web_app.py:560:Application._handle"),
         55, 0, 0);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("SyncWorker_%u", i);
      guint32 worker =
          push (self, hap_call_tree_add_thread (self->tree, name, 4250 + i, FALSE),
                LIB "threading.py:1012:Thread._bootstrap " LIB "concurrent/futures/thread.py:70:_worker");

      spend (self, worker, 1, 0, 2900 - 40 * i);
      spend (self,
             push (self, worker,
                   HA "components/recorder/purge.py:60:purge_old_data " SITE
                      "sqlalchemy/engine/base.py:1400:Connection.execute"),
             20 + 9 * i, 0, 60);
    }
  hap_call_tree_add (self->tree, hap_call_tree_add_thread (self->tree, "zlib-worker", 4300, FALSE), 0,
                     HAP_ACTIVITY_RUNNING, 33);
  return self;
}

static HapProfile *
recursive_profile (void)
{
  HapProfile *self = profile_new ("recursion", 100000);
  const char *const names[] = { "even", "odd", "walk" };

  for (guint t = 0; t < 3; t++)
    {
      guint32 node = hap_call_tree_add_thread (self->tree, "Worker", 10 + t, t == 0);

      for (guint depth = 0; depth < 60; depth++)
        {
          g_autofree char *frame = g_strdup_printf ("app.py:%u:%s", depth % 3 + t % 2, names[depth % 3]);

          node = push (self, node, frame);
          if (depth % 7 == t)
            spend (self, node, depth, 1, t);
        }
    }
  return self;
}

static void
add_hostile (HapProfile *self, guint32 root, const char *name, const char *file)
{
  guint32 node =
      hap_call_tree_child (self->tree, root, hap_call_tree_intern (self->tree, file, name, name, 1));

  hap_call_tree_add (self->tree, node, 2, HAP_ACTIVITY_RUNNING, 5);
  node = hap_call_tree_child (self->tree, node, hap_call_tree_intern (self->tree, file, "callee", name, 1));
  hap_call_tree_add (self->tree, node, G_MAXINT, HAP_ACTIVITY_BLOCKING, 2);
}

static HapProfile *
hostile_profile (void)
{
  static const char *const names[] = {
    "</script><script>document.title='owned'</script>",
    "<!--",
    "<img src=x onerror=document.title='owned'>",
    "quote\"s'and\\slashes",
    "new\nline\r\tand;semicolon 7",
    "calls=1 1",
    "(1) compressed",
    "fn=(1)",
    " blank ",
    "",
    "\xe2\x80\xae"
    "gpj.exe",
    "\xd8\xa7\xd9\x84\xd8\xb9\xd8\xb1",
    "\xe2\x80\xa8\xe2\x80\xa9",
    "\x1b]0;owned\x07\x1b[31m",
    "\xff\xfe",
    "a\xcc\x81\xcc\x82\xcc\x83",
    "name;name",
    "name,name",
    "\xf0\x9f\x94\xa5",
    "$&{}%s%n@DATA@",
    "__proto__",
    "constructor",
    "<thread MainThread>",
  };
  HapProfile *self = profile_new ("</title><script>document.title='owned'</script> \x1b[31m", 100000);
  g_autofree char *long_name = g_strnfill (5000, 'x');
  guint32 root = hap_call_tree_add_thread (self->tree, "MainThread", 1, TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      add_hostile (self, root, names[i], "app.py");
      add_hostile (self, root, "f", names[i]);
      add_hostile (self, root, names[i], "~");
      add_hostile (self, hap_call_tree_add_thread (self->tree, names[i], i, FALSE), "run", names[i]);
    }
  add_hostile (self, root, long_name, long_name);
  for (guint i = 0; i < 5; i++)
    hap_call_tree_add (self->tree, hap_call_tree_add_thread (self->tree, "MainThread", 2 + i, FALSE), 0,
                       HAP_ACTIVITY_WAITING, 1);
  hap_call_tree_count_truncated (self->tree);
  return self;
}

static HapProfile *
single_profile (void)
{
  HapProfile *self = profile_new ("one sample", 10);
  guint32 root = hap_call_tree_add_thread (self->tree, "MainThread", 1, TRUE);

  spend (self, push (self, root, "app.py:1:<module>"), 1, 0, 0);
  return self;
}

static HapProfile *
idle_profile (void)
{
  HapProfile *self = profile_new ("threads without samples", 10);

  hap_call_tree_add_thread (self->tree, "MainThread", 1, TRUE);
  return self;
}

/* Many paths, some of them deep: more than the page shows */
static HapProfile *
big_profile (void)
{
  HapProfile *self = profile_new ("300,000 call paths", 300000);
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  guint32 root = hap_call_tree_add_thread (self->tree, "MainThread", 1, TRUE);
  const HapFunction *functions[2000];

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autofree char *file = g_strdup_printf ("/config/custom_components/c%u/m.py", i % 40);
      g_autofree char *name = g_strdup_printf ("function_%u", i);

      functions[i] = hap_call_tree_intern (self->tree, file, name, NULL, (gint)i);
    }
  while (hap_call_tree_get_n_nodes (self->tree) < 300000)
    {
      guint32 node = root, child;

      for (gint depth = g_rand_int_range (rand, 5, 90); depth > 0; depth--)
        {
          double pick = g_rand_double (rand);

          child = hap_call_tree_child (self->tree, node, functions[(guint)(pick * pick * pick * 1999)]);
          if (child == HAP_CALL_TREE_NONE)
            break;
          node = child;
        }
      hap_call_tree_add (self->tree, node, g_rand_int_range (rand, 1, 200), HAP_ACTIVITY_RUNNING, 1);
    }
  return self;
}

static HapProfile *
empty_profile (void)
{
  return profile_new ("empty", 10);
}

const char *const sample_profile_names[] = { "home-assistant", "recursive", "hostile", "single",
                                             "idle",           "empty",     "big",     NULL };

HapProfile *
sample_profile_new (const char *name)
{
  HapProfile *(*const make[]) (
      void) = { home_assistant_profile, recursive_profile, hostile_profile, single_profile,
                idle_profile,           empty_profile,     big_profile };

  for (guint i = 0; sample_profile_names[i] != NULL; i++)
    if (strcmp (sample_profile_names[i], name) == 0)
      return make[i]();
  return NULL;
}
