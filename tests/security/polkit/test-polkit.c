/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who may do what, by the real polkitd: each method and property, for each kind of caller, with each answer
 * that somebody who is asked for a password can give. In polkit-world.
 */

#include "documented-authorities.h"
#include "world.h"

#include <string.h>

#define PROFILER "org.homeassistant.Profiler"
#define MANAGER PROFILER ".Manager"
#define JOB PROFILER ".Job"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

/* Parameters: %T: a process of hap-owner; %R: root's, in which root's jobs run. @path: NULL: a job of root's.
 */
typedef struct
{
  const char *member, *path, *interface, *method, *parameters;
  const char *authority; /* NULL: anybody's; "": nobody's */
  gboolean listed;       /* who is refused gets less, and no error */
  gboolean targeted;
} Member;

#define JOB_PROPERTY(name, authority)                                                                        \
  {                                                                                                          \
    JOB "." name, NULL, PROPERTIES, "Get", "('" JOB "', '" name "')", authority                              \
  }
#define MANAGER_PROPERTY(name)                                                                               \
  {                                                                                                          \
    MANAGER "." name, PROFILER_PATH, PROPERTIES, "Get", "('" MANAGER "', '" name "')", NULL                  \
  }
#define ACTION(name, data, authority)                                                                        \
  {                                                                                                          \
    PROFILER "." name, PROFILER_PATH, PROFILER, name, "({'target': <uint32 %T>" data "},)", authority,       \
        FALSE, TRUE                                                                                          \
  }

static const Member known[] = {
  ACTION ("FakeJob", "", "profile"),
  ACTION ("FakeJob", ", 'enter': <true>", "modify"),
  ACTION ("FakeReport", "", "observe"),
  ACTION ("FakeReport", ", 'bare': <true>", "inspect"),
  ACTION ("FakeNone", "", "modify"),
  ACTION ("FakeDenied", "", ""),
  ACTION ("FakeDump", "", "inspect"),
  ACTION ("FakeDump", ", 'bare': <true>", "inspect-secrets"),
  ACTION ("StartFakeLogging", "", "inspect"),
  { PROFILER ".StopFakeLogging", PROFILER_PATH, PROFILER, "StopFakeLogging", "({'target': <uint32 %R>},)",
    "manage" },
  { MANAGER ".ListTargets", PROFILER_PATH, MANAGER, "ListTargets", "(@a{sv} {},)", "observe" },
  { MANAGER ".Subscribe", PROFILER_PATH, MANAGER, "Subscribe", "()", NULL },
  { MANAGER ".Unsubscribe", PROFILER_PATH, MANAGER, "Unsubscribe", "()", NULL },
  { MANAGER ".SetLocale", PROFILER_PATH, MANAGER, "SetLocale", "('de_DE.UTF-8',)", NULL },
  { MANAGER ".ListArtifacts", PROFILER_PATH, MANAGER, "ListArtifacts", "()", "observe", TRUE },
  { MANAGER ".OpenArtifact", PROFILER_PATH, MANAGER, "OpenArtifact", "('roots-own',)", "inspect" },
  { MANAGER ".RemoveArtifact", PROFILER_PATH, MANAGER, "RemoveArtifact", "('roots-own',)", "manage" },
  MANAGER_PROPERTY ("Version"),
  MANAGER_PROPERTY ("Actions"),
  { MANAGER ".*", PROFILER_PATH, PROPERTIES, "GetAll", "('" MANAGER "',)", NULL },
  { OBJECT_MANAGER ".GetManagedObjects", PROFILER_PATH, OBJECT_MANAGER, "GetManagedObjects", "()", "observe",
    TRUE },
  { JOB ".Cancel", NULL, JOB, "Cancel", "()", "manage" },
  JOB_PROPERTY ("Action", "observe"),
  JOB_PROPERTY ("Target", "observe"),
  JOB_PROPERTY ("State", "observe"),
  JOB_PROPERTY ("Progress", "observe"),
  JOB_PROPERTY ("StartedAt", "observe"),
  JOB_PROPERTY ("Artifacts", "observe"),
  JOB_PROPERTY ("Error", "inspect"),
  JOB_PROPERTY ("Summary", "inspect"),
  { JOB ".*", NULL, PROPERTIES, "GetAll", "('" JOB "',)", "inspect" },
};

typedef enum
{
  ROOT,
  ACTIVE,
  INACTIVE,
  ELSEWHERE,
} Place;

typedef struct
{
  guint uid;
  Place place;
  gboolean owner;
} Kind;

static const Kind kinds[] = { { 0, ROOT, FALSE },         { 64321, ACTIVE, FALSE },
                              { 64322, INACTIVE, FALSE }, { 64323, ELSEWHERE, FALSE },
                              { 64324, ELSEWHERE, TRUE }, { 65534, ELSEWHERE, FALSE } };

static World world;
static GArray *members;  /* of Member: those that are known, and the actions that are installed here */
static guint targets[2]; /* hap-owner's, root's */
static char *job;        /* root's; NULL: it has to be made */

static const Member *
get_member (guint i)
{
  return &g_array_index (members, Member, i);
}

/* What a call of the action needs, besides its target. */
static char *
make_data (GVariant *action, gboolean stops)
{
  g_autoptr (GVariant) attributes = g_variant_lookup_value (action, "attributes", G_VARIANT_TYPE ("aa{sv}"));
  GString *data = g_string_new (stops ? "({'target': <uint32 %R>" : "({'target': <uint32 %T>");
  gboolean required;
  const char *name;

  for (gsize i = 0; i < g_variant_n_children (attributes); i++)
    {
      g_autoptr (GVariant) attribute = g_variant_get_child_value (attributes, i);

      if (g_variant_lookup (attribute, "required", "b", &required) && required
          && g_variant_lookup (attribute, "name", "&s", &name))
        g_string_append_printf (data, ", '%s': <'x'>", name);
    }
  g_string_append (data, "},)");
  return g_string_free (data, FALSE);
}

/* What their classes say has to be what is written down. */
static const char *
get_documented (const char *method, const char *authority)
{
  for (guint i = 0; i < G_N_ELEMENTS (documented_authorities); i++)
    {
      const struct DocumentedAuthority *row = &documented_authorities[i];

      if (!g_str_equal (row->method, method))
        continue;
      if (!g_str_equal (row->authority, "manage"))
        g_assert_cmpstr (authority, ==, row->authority);
      return row->authority;
    }
  g_error ("nobody has written down what %s takes", method);
}

/* The installed actions, too. */
static void
list_members (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = fixture_call (&world.fixture, PROFILER_PATH, PROPERTIES, "Get",
                                             g_variant_new ("(ss)", MANAGER, "Actions"), &error);
  g_autoptr (GVariant) actions = NULL;
  const char *method, *authority;

  g_assert_no_error (error);
  g_variant_get (reply, "(v)", &actions);
  members = g_array_new (FALSE, FALSE, sizeof (Member));
  g_array_append_vals (members, known, G_N_ELEMENTS (known));
  for (gsize i = 0; i < g_variant_n_children (actions); i++)
    {
      g_autoptr (GVariant) action = g_variant_get_child_value (actions, i);
      g_autofree char *parameters = NULL;
      g_autofree char *full = NULL;
      gboolean stops;
      Member member = { .path = PROFILER_PATH, .interface = PROFILER };

      g_assert_true (g_variant_lookup (action, "method", "&s", &method));
      g_assert_true (g_variant_lookup (action, "authority", "&s", &authority));
      if (strstr (method, "Fake") != NULL)
        continue;
      stops = g_str_has_prefix (method, "Stop");
      full = g_strconcat (PROFILER ".", method, NULL);
      parameters = make_data (action, stops);
      member.member = g_intern_string (full);
      member.method = g_intern_string (method);
      member.parameters = g_intern_string (parameters);
      member.authority = get_documented (method, authority);
      member.targeted = !stops;
      g_array_append_val (members, member);
    }
  g_test_message ("%u members", members->len);
}

/* Root's job, logging and artifact are there. */
static void
prepare (const Member *member)
{
  g_autofree char *artifact = g_build_filename (world.fixture.state_dir, "roots-own", NULL);
  g_autoptr (GError) error = NULL;

  if (job == NULL)
    job = fixture_start_waiting_job (&world.fixture, targets[1], "wait");
  g_file_set_contents (artifact, "xyzzy", -1, &error);
  g_assert_no_error (error);
  if (g_str_has_prefix (member->method, "Stop"))
    {
      g_autofree char *start = g_strconcat ("Start", member->method + strlen ("Stop"), NULL);
      g_autoptr (GVariant) reply = fixture_run (&world.fixture, start, targets[1],
                                                strstr (start, "Fake") != NULL ? "wait" : NULL, &error);

      /* It may run still. */
      g_clear_error (&error);
    }
}

static char *
make_line (const Member *member, gboolean interactive)
{
  g_autofree char *owners = g_strdup_printf ("%u", targets[0]);
  g_autofree char *roots = g_strdup_printf ("%u", targets[1]);
  g_autoptr (GString) parameters = g_string_new (member->parameters);

  g_string_replace (parameters, "%T", owners, 0);
  g_string_replace (parameters, "%R", roots, 0);
  return g_strdup_printf ("call %d %s %s %s %s", interactive, member->path != NULL ? member->path : job,
                          member->interface, member->method, parameters->str);
}

static gboolean
shows_roots (const char *answer)
{
  g_autofree char *quoted = g_strdup_printf ("'%s'", job);

  return strstr (answer, "roots-own") != NULL || strstr (answer, quoted) != NULL;
}

/* What it is for who is not allowed: an error, or an answer in which nothing of root's is. */
static gboolean
is_refusal (const Member *member, const char *answer)
{
  if (member->listed)
    return g_str_has_prefix (answer, "ok ") && !shows_roots (answer);
  return g_str_has_prefix (answer, "error " PROFILER ".Error.NotAuthorized ")
         && strstr (answer, "xyzzy") == NULL;
}

static gboolean
is_leave (const Member *member, const char *answer)
{
  /* Beyond the gate: the last job is not over yet. */
  if (member->targeted && g_str_has_prefix (answer, "error " PROFILER ".Error.Busy "))
    return TRUE;
  if (member->targeted && g_str_has_prefix (answer, "error " PROFILER ".Error.AlreadyStarted "))
    return TRUE;
  if (!g_str_has_prefix (answer, "ok "))
    return FALSE;
  return !member->listed || shows_roots (answer);
}

/* One call. @mode: AGENT_NONE: not interactive */
static void
check (Caller *caller, const Member *member, AgentMode mode, gboolean allowed, guint prompts)
{
  g_autofree char *line = NULL;
  g_autofree char *answer = NULL;
  gboolean right;

  prepare (member);
  world.n_prompts = 0;
  g_string_truncate (world.prompts, 0);
  if (caller->uid != 0)
    world_set_agent (&world, caller, mode);
  line = make_line (member, mode != AGENT_NONE);
  answer = world_tell (&world, caller, line);
  right = allowed ? is_leave (member, answer) : is_refusal (member, answer);
  if (!right || world.n_prompts != prompts)
    g_error ("uid %u, agent %d, expected %s and %u prompts, got %u\n%s\n%s\n%s", caller->uid, mode,
             allowed ? "leave" : "refusal", prompts, world.n_prompts, line, answer, world.prompts->str);
  if (allowed && g_str_equal (member->method, "Cancel"))
    g_clear_pointer (&job, g_free);
}

/* By the defaults of the policy. */
static gboolean
is_challenge (Place place, const char *authority)
{
  return place == ACTIVE
         || (!g_str_equal (authority, "modify") && !g_str_equal (authority, "inspect-secrets"));
}

static gboolean
is_kept (Place place, const char *authority)
{
  return place == ACTIVE && (g_str_equal (authority, "observe") || g_str_equal (authority, "profile"));
}

static void
check_prompt (const Member *member)
{
  g_autofree char *action =
      g_strdup_printf (PROFILER ".%s: Authentication is required to", member->authority);
  g_autofree char *target = g_strdup_printf ("process %u (sleep) of user 64324", targets[0]);

  if (!g_str_has_prefix (world.prompts->str, action)
      || (member->targeted && strstr (world.prompts->str, target) == NULL)
      || strstr (world.prompts->str, "$(") != NULL)
    g_error ("%s: %s", member->member, world.prompts->str);
}

static gboolean
needs_password (const Kind *kind, const Member *member)
{
  const char *authority = member->authority;
  gboolean own = kind->owner && member->targeted
                 && (g_strcmp0 (authority, "observe") == 0 || g_strcmp0 (authority, "profile") == 0);

  return kind->place != ROOT && authority != NULL && *authority != '\0' && !own;
}

static void
check_member (Caller *caller, const Kind *kind, const Member *member)
{
  const char *authority = member->authority;

  if (g_strcmp0 (authority, "") == 0)
    {
      check (caller, member, AGENT_NONE, FALSE, 0);
      return;
    }
  if (!needs_password (kind, member))
    {
      check (caller, member, AGENT_NONE, TRUE, 0);
      return;
    }
  check (caller, member, AGENT_NONE, FALSE, 0);
  if (!is_challenge (kind->place, authority))
    {
      check (caller, member, AGENT_YES, FALSE, 0);
      return;
    }
  check (caller, member, AGENT_CANCEL, FALSE, 1);
  check (caller, member, AGENT_NO, FALSE, 1);
  check (caller, member, AGENT_YES, TRUE, 1);
  check_prompt (member);
  check (caller, member, AGENT_NONE, is_kept (kind->place, authority), 0);
}

static void
test_matrix (gconstpointer data)
{
  const Kind *kind = data;

  /* What polkit keeps, it keeps for one process. */
  for (guint i = 0; i < members->len; i++)
    {
      g_autoptr (Caller) caller = world_add_caller (&world, kind->uid);

      check_member (caller, kind, get_member (i));
    }
}

/* Nobody answers: a no, after the time that is configured. All members at once: a caller each. */
static void
test_no_answer (gconstpointer data)
{
  const Kind *kind = data;
  g_autoptr (GPtrArray) callers = g_ptr_array_new_with_free_func ((GDestroyNotify)caller_free);
  g_autofree Caller **asking = g_new0 (Caller *, members->len);
  guint n_asked = 0;

  world.n_prompts = 0;
  for (guint i = 0; i < members->len; i++)
    {
      const Member *member = get_member (i);
      g_autofree char *line = NULL;

      if (!needs_password (kind, member) || !is_challenge (kind->place, member->authority))
        continue;
      prepare (member);
      asking[i] = world_add_caller (&world, kind->uid);
      g_ptr_array_add (callers, asking[i]);
      world_set_agent (&world, asking[i], AGENT_HANG);
      line = make_line (member, TRUE);
      caller_send (asking[i], line);
      n_asked++;
    }
  world_wait_for_prompts (&world, n_asked);
  for (guint i = 0; i < members->len; i++)
    {
      g_autofree char *answer = asking[i] != NULL ? world_receive (&world, asking[i]) : NULL;

      if (answer != NULL && !is_refusal (get_member (i), answer))
        g_error ("uid %u, %s: %s", kind->uid, get_member (i)->member, answer);
      if (answer != NULL)
        world_set_agent (&world, asking[i], AGENT_NONE);
    }
  g_test_message ("%u asked, none answered", n_asked);
  g_assert_cmpuint (world.n_prompts, ==, n_asked);
}

static gboolean
is_known (const char *interface, const char *member)
{
  g_autofree char *full = g_strdup_printf ("%s.%s", interface, member);

  for (guint i = 0; i < members->len; i++)
    {
      if (g_str_equal (get_member (i)->member, full))
        return TRUE;
    }
  return FALSE;
}

/* What the service shows of itself is what is tried here: nothing of it can be forgotten. */
static void
check_introspection (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      fixture_call (&world.fixture, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &error);
  g_autoptr (GDBusNodeInfo) info = NULL;
  const char *xml;

  g_assert_no_error (error);
  g_variant_get (reply, "(&s)", &xml);
  info = g_dbus_node_info_new_for_xml (xml, &error);
  g_assert_no_error (error);
  for (GDBusInterfaceInfo **interface = info->interfaces; *interface != NULL; interface++)
    {
      if (!g_str_has_prefix ((*interface)->name, PROFILER)
          && !g_str_equal ((*interface)->name, OBJECT_MANAGER))
        continue;
      for (GDBusMethodInfo **method = (*interface)->methods; method != NULL && *method != NULL; method++)
        if (!is_known ((*interface)->name, (*method)->name))
          g_error ("nobody tries %s.%s", (*interface)->name, (*method)->name);
      for (GDBusPropertyInfo **property = (*interface)->properties; property != NULL && *property != NULL;
           property++)
        if (!is_known ((*interface)->name, (*property)->name))
          g_error ("nobody tries %s.%s", (*interface)->name, (*property)->name);
    }
}

static void
test_complete (void)
{
  prepare (get_member (0));
  check_introspection (PROFILER_PATH);
  check_introspection (job);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  if (!world_set_up (&world, "PasswordSeconds=8\nJobs=64\nJobsPerUser=8\nCallsPerUser=64\n", TRUE))
    {
      g_print ("1..0 # SKIP the fixture cannot be set up\n");
      return 0;
    }
  targets[0] = world_add_target (&world, 64324);
  targets[1] = world_add_target (&world, 0);
  list_members ();
  g_test_add_func ("/security/polkit/complete", test_complete);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      static const char *const names[] = { "root", "active", "inactive", "remote", "owner", "nobody" };
      g_autofree char *path = g_strdup_printf ("/security/polkit/matrix/%s", names[i]);

      g_autofree char *unanswered = g_strdup_printf ("/security/polkit/no-answer/%s", names[i]);

      g_test_add_data_func (path, &kinds[i], test_matrix);
      if (kinds[i].place != ROOT)
        g_test_add_data_func (unanswered, &kinds[i], test_no_answer);
    }
  status = g_test_run ();
  g_free (job);
  g_array_unref (members);
  world_tear_down (&world);
  return status;
}
