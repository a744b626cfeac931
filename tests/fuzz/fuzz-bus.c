/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls by chance: every method of the service's introspection and of its jobs', and some that there are not,
 * with values that fit the signature and values that do not; jobs that go on until they are cancelled among
 * them. None may go unanswered, end the service, leave a job behind, a process, a descriptor or memory.
 * HAP_TEST_CALLS: how many (3000); HAP_TEST_SEED: of chance.
 */

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "service-fixture.h"

#define DEFAULT_CALLS 3000
#define DEFAULT_SEED 20261122
#define MAX_UNANSWERED 8
#define TIMEOUT_MS 120000 /* a stuck call, not a loaded machine */
#define MAX_METHODS 256
#define MAX_DEPTH 3
#define MAX_ELEMENTS 4

/* Of so many calls of FakeJob one asks for a job that waits. */
#define ONE_WAITS 4

#define JOBS PROFILER_PATH "/jobs/"
#define JOB "org.homeassistant.Profiler.Job"

/* The calls after which the service has made what it makes once, and keeps as many ended jobs, some of them
 * large, as it ever will: of many, the first fifth. */
#define WARM_UP 1000
#define WARM_UP_SHARE 5

/* What finished jobs that are kept for a while may take, and the allocator. */
#define MAX_GROWTH_KIB (4 * 1024)

/* Longer than a call may be. */
#define LONG_TEXT (80 * 1024)

typedef struct
{
  char *path, *interface, *method, *signature;
} Method;

typedef struct
{
  Fixture *fixture;
  GRand *rand;
  GPtrArray *methods; /* of Method */
  guint target;
  char *long_text;
  guint n_unanswered, n_answers, n_errors;
  char *job;                                 /* the last that was started */
  guint n_waiting, n_cancelled, n_looked_at; /* jobs that wait; calls that worked on jobs */
} Fuzzer;

/* What the service has, when nothing is asked of it. */
typedef struct
{
  guint rss_kib, n_descriptors, n_jobs;
} State;

typedef struct
{
  Fuzzer *fuzzer;
  char *text;
  const Method *method;
} Call;

static void
method_free (Method *method)
{
  g_free (method->path);
  g_free (method->interface);
  g_free (method->method);
  g_free (method->signature);
  g_free (method);
}

static GVariant *make_value (Fuzzer *self, const GVariantType *type, guint depth);

static const char *
choose_text (Fuzzer *self)
{
  static const char *const texts[] = { "",        "target",      "script",  "seconds",
                                       "succeed", "fail",        "finish",  "bare",
                                       "rate",    "max_objects", "type",    "\xc3\xa9\xe2\x80\xae",
                                       "../../x", "%s%n%n",      "a b\nc",  "/",
                                       "self",    "FakeJob",     "python",  "enabled",
                                       "0",       "-1",          "formats", "x\t\x1b[31m" };

  if (g_rand_int_range (self->rand, 0, 64) == 0)
    return self->long_text;
  return texts[g_rand_int_range (self->rand, 0, G_N_ELEMENTS (texts))];
}

static guint64
choose_number (Fuzzer *self)
{
  const guint64 numbers[] = { 0,
                              1,
                              self->target,
                              (guint64)getpid (),
                              G_MAXUINT64,
                              G_MAXINT32,
                              G_MAXUINT32,
                              G_MAXINT64,
                              65536,
                              (guint64)g_rand_int (self->rand) };

  return numbers[g_rand_int_range (self->rand, 0, G_N_ELEMENTS (numbers))];
}

static GVariant *
make_basic (Fuzzer *self, char type)
{
  static const double doubles[] = { 0, -1, 1e308, 0.5, -0.0, (double)INFINITY, (double)NAN };
  guint64 number = choose_number (self);

  switch (type)
    {
    case 'b':
      return g_variant_new_boolean (number % 2);
    case 'y':
      return g_variant_new_byte ((guint8)number);
    case 'n':
      return g_variant_new_int16 ((gint16)number);
    case 'q':
      return g_variant_new_uint16 ((guint16)number);
    case 'i':
      return g_variant_new_int32 ((gint32)number);
    case 'u':
      return g_variant_new_uint32 ((guint32)number);
    case 'x':
      return g_variant_new_int64 ((gint64)number);
    case 't':
      return g_variant_new_uint64 (number);
    case 'd':
      return g_variant_new_double (doubles[g_rand_int_range (self->rand, 0, G_N_ELEMENTS (doubles))]);
    case 'o':
      return g_variant_new_object_path (number % 2 ? PROFILER_PATH : "/");
    case 'g':
      return g_variant_new_signature ("a{sv}");
    default:
      return g_variant_new_string (choose_text (self));
    }
}

static GVariant *
make_any (Fuzzer *self, guint depth)
{
  static const char *const types[] = { "s",    "u",  "d", "b", "x", "as", "a{sv}",
                                       "(su)", "ay", "v", "o", "t", "aau" };

  return make_value (self, G_VARIANT_TYPE (types[g_rand_int_range (self->rand, 0, G_N_ELEMENTS (types))]),
                     depth + 1);
}

static GVariant *
make_container (Fuzzer *self, const GVariantType *type, guint depth)
{
  GVariantBuilder builder;
  guint n = depth < MAX_DEPTH ? (guint)g_rand_int_range (self->rand, 0, MAX_ELEMENTS) : 0;

  g_variant_builder_init (&builder, type);
  if (g_variant_type_is_array (type))
    {
      for (guint i = 0; i < n; i++)
        g_variant_builder_add_value (&builder, make_value (self, g_variant_type_element (type), depth + 1));
      return g_variant_builder_end (&builder);
    }
  for (const GVariantType *item = g_variant_type_first (type); item != NULL;
       item = g_variant_type_next (item))
    g_variant_builder_add_value (&builder, make_value (self, item, depth + 1));
  return g_variant_builder_end (&builder);
}

static GVariant *
make_value (Fuzzer *self, const GVariantType *type, guint depth)
{
  if (g_variant_type_is_variant (type))
    return g_variant_new_variant (depth < MAX_DEPTH ? make_any (self, depth) : make_basic (self, 's'));
  /* A handle without a descriptor ends the connection at the bus already. */
  if (g_variant_type_equal (type, G_VARIANT_TYPE_HANDLE))
    return g_variant_new_handle (0);
  return g_variant_type_is_basic (type) ? make_basic (self, g_variant_type_peek_string (type)[0])
                                        : make_container (self, type, depth);
}

/* What a method of an action takes, as far as it is right: a target that there is. */
static GVariant *
make_parameters (Fuzzer *self, const Method *method)
{
  static const char *const properties[] = { "Action",    "Target",    "State", "Progress",
                                            "StartedAt", "Artifacts", "Error", "Summary" };
  g_autofree char *type = NULL;

  if (g_str_equal (method->method, "FakeJob") && g_rand_int_range (self->rand, 0, ONE_WAITS) == 0)
    return g_variant_new_parsed ("({'target': <%u>, 'script': <'wait'>},)", self->target);
  if (g_str_has_prefix (method->path, JOBS) && g_str_equal (method->signature, "ss")
      && g_rand_boolean (self->rand))
    return g_variant_new ("(ss)", JOB,
                          properties[g_rand_int_range (self->rand, 0, G_N_ELEMENTS (properties))]);
  if (g_rand_int_range (self->rand, 0, 16) == 0)
    {
      GVariant *any = make_any (self, 0);

      return g_variant_new_tuple (&any, 1);
    }
  if (g_str_equal (method->signature, "a{sv}") && g_rand_boolean (self->rand))
    return g_variant_new_parsed ("({'target': <%u>},)", self->target);
  type = g_strdup_printf ("(%s)", method->signature);
  return make_value (self, G_VARIANT_TYPE (type), 0);
}

/* What is asked of jobs from now on is asked of the one that was started. */
static void
note_job (Fuzzer *self, const Call *call, GVariant *reply)
{
  if (g_str_equal (call->method->method, "FakeJob") && g_variant_is_of_type (reply, G_VARIANT_TYPE ("(o)")))
    {
      g_free (self->job);
      g_variant_get (reply, "(o)", &self->job);
      self->n_waiting += strstr (call->text, "<'wait'>") != NULL;
    }
  self->n_cancelled += g_str_equal (call->method->method, "Cancel");
  self->n_looked_at +=
      g_str_has_prefix (call->method->path, JOBS) && g_str_equal (call->method->method, "Get");
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Call *call = data;
  g_autofree char *text = call->text;
  Fuzzer *self = call->fuzzer;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  self->n_unanswered--;
  self->n_answers++;
  self->n_errors += reply == NULL;
  if (reply != NULL)
    note_job (self, call, reply);
  /* Else it is no answer of the service's: it took too long, or it is gone. */
  if (error != NULL && !g_dbus_error_is_remote_error (error))
    g_error ("call %u, %s: %s", self->n_answers, text, error->message);
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY)
      || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN))
    g_error ("call %u, %s: the service is gone: %s", self->n_answers, text, error->message);
}

static void
send_call (Fuzzer *self)
{
  const Method *method = self->methods->pdata[g_rand_int_range (self->rand, 0, (gint)self->methods->len)];
  const char *path = method->path, *name = method->method;
  g_autoptr (GVariant) parameters = NULL;
  g_autofree char *shown = NULL;
  Call *call = g_new0 (Call, 1);

  while (self->n_unanswered >= MAX_UNANSWERED)
    g_main_context_iteration (NULL, TRUE);
  if (g_str_has_prefix (path, JOBS))
    path = self->job;
  if (g_rand_int_range (self->rand, 0, 32) == 0)
    path = g_rand_boolean (self->rand) ? "/" : PROFILER_PATH "/jobs/1";
  if (g_rand_int_range (self->rand, 0, 32) == 0)
    name = "NoSuchMethod";
  parameters = g_variant_ref_sink (make_parameters (self, method));
  shown = g_variant_print (parameters, TRUE);
  call->fuzzer = self;
  call->method = method;
  call->text = g_strdup_printf ("%s %s.%s%s", path, method->interface, name, shown);
  self->n_unanswered++;
  g_dbus_connection_call (self->fixture->connection, PROFILER_NAME, path, method->interface, name, parameters,
                          NULL, G_DBUS_CALL_FLAGS_NONE, TIMEOUT_MS, NULL, on_answered, call);
}

static char *
join_signature (GDBusMethodInfo *info)
{
  GString *signature = g_string_new (NULL);

  for (guint i = 0; info->in_args != NULL && info->in_args[i] != NULL; i++)
    g_string_append (signature, info->in_args[i]->signature);
  return g_string_free (signature, FALSE);
}

static void
collect_methods (Fuzzer *self, const char *path)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      self->fixture->connection, PROFILER_NAME, path, "org.freedesktop.DBus.Introspectable", "Introspect",
      NULL, G_VARIANT_TYPE ("(s)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
  g_autoptr (GDBusNodeInfo) node = NULL;
  const char *xml;

  g_assert_nonnull (reply);
  g_variant_get (reply, "(&s)", &xml);
  node = g_dbus_node_info_new_for_xml (xml, NULL);
  g_assert_nonnull (node);
  for (guint i = 0; node->interfaces != NULL && node->interfaces[i] != NULL; i++)
    for (guint j = 0; node->interfaces[i]->methods != NULL && node->interfaces[i]->methods[j] != NULL; j++)
      {
        GDBusMethodInfo *info = node->interfaces[i]->methods[j];
        Method *method = g_new0 (Method, 1);

        method->path = g_strdup (path);
        method->interface = g_strdup (node->interfaces[i]->name);
        method->method = g_strdup (info->name);
        method->signature = join_signature (info);
        g_ptr_array_add (self->methods, method);
      }
}

static guint
get_rss_kib (Fixture *fixture)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/status", g_subprocess_get_identifier (fixture->service));
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return (guint)g_ascii_strtoull (strstr (text, "\nVmRSS:") + strlen ("\nVmRSS:"), NULL, 10);
}

static guint
count_descriptors (Fixture *fixture)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/fd", g_subprocess_get_identifier (fixture->service));
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  guint n = 0;

  g_assert_nonnull (directory);
  while (g_dir_read_name (directory) != NULL)
    n++;
  return n;
}

/* None of them may run: who started them waits for nothing. */
static guint
count_jobs (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = fixture_call (fixture, PROFILER_PATH, "org.freedesktop.DBus.ObjectManager",
                                             "GetManagedObjects", NULL, &error);
  g_autoptr (GVariant) objects = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  objects = g_variant_get_child_value (reply, 0);
  text = g_variant_print (objects, FALSE);
  g_assert_null (strstr (text, "'running'"));
  return (guint)g_variant_n_children (objects);
}

static void
remove_artifacts (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      fixture_call (fixture, PROFILER_PATH, "Profiler.Manager", "ListArtifacts", NULL, &error);
  g_autoptr (GVariant) artifacts = NULL;

  g_assert_no_error (error);
  artifacts = g_variant_get_child_value (reply, 0);
  for (gsize i = 0; i < g_variant_n_children (artifacts); i++)
    {
      g_autoptr (GVariant) artifact = g_variant_get_child_value (artifacts, i);
      g_autoptr (GVariant) removed = NULL;
      const char *name = NULL;

      g_assert_true (g_variant_lookup (artifact, "name", "&s", &name));
      removed = fixture_call (fixture, PROFILER_PATH, "Profiler.Manager", "RemoveArtifact",
                              g_variant_new ("(s)", name), &error);
      g_assert_no_error (error);
    }
}

/* No process of the service's is left when all that was asked for is done. */
static gboolean
has_no_children (gpointer data)
{
  const Fixture *fixture = data;
  const char *pid = g_subprocess_get_identifier (fixture->service);
  g_autofree char *path = g_strdup_printf ("/proc/%s/task/%s/children", pid, pid);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) && *g_strstrip (text) == '\0';
}

/* The last one that was started may wait for that; all before have ended, as there is one at a time. */
static void
run_calls (Fuzzer *self, guint n)
{
  g_autoptr (GVariant) cancelled = NULL;

  for (guint i = 0; i < n; i++)
    send_call (self);
  while (self->n_unanswered > 0)
    g_main_context_iteration (NULL, TRUE);
  cancelled = fixture_call (self->fixture, self->job, "Profiler.Job", "Cancel", NULL, NULL);
  fixture_wait (has_no_children, self->fixture);
}

static State
get_state (Fixture *fixture)
{
  State state;

  remove_artifacts (fixture);
  state = (State){ .n_jobs = count_jobs (fixture) };
  state.rss_kib = get_rss_kib (fixture);
  state.n_descriptors = count_descriptors (fixture);
  return state;
}

static guint
get_number (const char *name, guint otherwise)
{
  const char *given = g_getenv (name);

  return given != NULL ? (guint)g_ascii_strtoull (given, NULL, 10) : otherwise;
}

static void
test_chance (void)
{
  Fixture fixture = { 0 };
  Fuzzer self = { .fixture = &fixture };
  guint n_calls = get_number ("HAP_TEST_CALLS", DEFAULT_CALLS);
  guint n_warm_up = MAX (WARM_UP, n_calls / WARM_UP_SHARE);
  State before, after;

  if (!fixture_set_up (&fixture, NULL))
    return;
  self.rand = g_rand_new_with_seed (get_number ("HAP_TEST_SEED", DEFAULT_SEED));
  self.methods = g_ptr_array_new_with_free_func ((GDestroyNotify)method_free);
  self.target = fixture_add_target (&fixture, "python");
  self.long_text = g_strnfill (LONG_TEXT, 'x');
  self.job = fixture_start_job (&fixture, self.target, "succeed");
  collect_methods (&self, PROFILER_PATH);
  collect_methods (&self, self.job);
  g_assert_cmpuint (self.methods->len, >, 8);
  g_assert_cmpuint (self.methods->len, <, MAX_METHODS);

  run_calls (&self, n_warm_up);
  before = get_state (&fixture);
  run_calls (&self, n_calls);
  after = get_state (&fixture);
  g_test_message (
      "%u methods, %u answers, %u of them errors; %u KiB, then %u; %u descriptors, then %u; %u jobs "
      "kept, none running, no process",
      self.methods->len, self.n_answers, self.n_errors, before.rss_kib, after.rss_kib, before.n_descriptors,
      after.n_descriptors, after.n_jobs);
  g_assert_cmpuint (self.n_answers, ==, n_warm_up + n_calls);
  g_assert_cmpuint (after.rss_kib, <, before.rss_kib + MAX_GROWTH_KIB);
  g_assert_cmpuint (after.n_descriptors, <=, before.n_descriptors);

  g_test_message ("%u jobs that waited, %u times cancelled, %u properties of jobs", self.n_waiting,
                  self.n_cancelled, self.n_looked_at);
  g_assert_cmpuint (self.n_waiting, >, 0);
  g_assert_cmpuint (self.n_cancelled, >, 0);
  g_assert_cmpuint (self.n_looked_at, >, 0);

  g_free (self.job);
  g_free (self.long_text);
  g_ptr_array_unref (self.methods);
  g_rand_free (self.rand);
  fixture_tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fuzz/bus/chance", test_chance);
  return g_test_run ();
}
