/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-fixture.h"

G_BEGIN_DECLS

/* What the scripted agent does when it is to ask for a password. */
typedef enum
{
  AGENT_NONE, /* there is none */
  AGENT_YES,  /* the administrator's password was right */
  AGENT_NO,
  AGENT_CANCEL,
  AGENT_HANG,
} AgentMode;

/**
 * World: in polkit-world: a Fixture with the real polkitd on its bus.
 */
typedef struct
{
  Fixture fixture;
  GSubprocess *polkitd; /* NULL: none */
  gpointer authority;   /* keeps our connection to the bus, by which agents are there */
  char *config;
  GHashTable *agents; /* whose -> Agent */
  GString *prompts;   /* what agents were to ask since the last look */
  guint n_prompts;

  /* On a machine that booted all is there already, but the sessions. */
  gboolean booted;
  GPtrArray *sessions;  /* of GUnixFDList: they last as long as these */
  char *session_ids[3]; /* of the users from 64321 on */
} World;

/* @config: of the service, without "[Limits]". @with_polkit: FALSE: there is none on the bus. FALSE: the test
 * is skipped already. HAP_BOOTED in the environment names the file for the configuration of a service that
 * the machine's own bus starts; then nothing else is set up. */
gboolean world_set_up (World *self, const char *config, gboolean with_polkit);
void world_tear_down (World *self);

/* The part of it for HAP_BOOTED. */
void world_boot (World *self);
void world_start_polkit (World *self);
void world_end_polkit (World *self);

/* Waits until the process runs the program @name. */
void world_wait_for_program (guint pid, const char *name);

/* Replaces the test's rule, and waits until polkit has taken it. @script: (nullable): JavaScript */
void world_set_rule (World *self, const char *script);

typedef struct
{
  guint uid;
  guint pid;
  char *name; /* on the bus */
  GSubprocess *process;
  GDataInputStream *answers;
} Caller;

/* @uid: 0, 64321 to 64324 (see polkit-world) or another, which is in no session. */
Caller *world_add_caller (World *self, guint uid);
void caller_free (Caller *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Caller, caller_free)

/* What it answers, an "ok ..." or an "error NAME ..."; @line as caller.c says. */
char *world_tell (World *self, Caller *caller, const char *line);

/* The same in two steps. */
void caller_send (Caller *caller, const char *line);
char *world_receive (World *self, Caller *caller);

/* The agent of @caller's process from now on. */
void world_set_agent (World *self, Caller *caller, AgentMode mode);

/* The agent of the process, which has hung so far, has got the right password; waits until polkit has
 * decided. */
void world_answer (World *self, Caller *caller);

/* What the service answers to @caller from now on, even if nobody is there to hear it: the name of an error,
 * or "ok".
 */
typedef struct _Ear Ear;
Ear *world_listen (World *self, Caller *caller);
char *ear_wait (Ear *ear); /* frees @ear */

/* Whether another agent could be registered for the process of @caller. */
gboolean world_try_second_agent (World *self, Caller *caller);

/* The service's unique name. */
char *world_get_owner (World *self);

/* Waits until agents were to ask @n times. */
void world_wait_for_prompts (World *self, guint n);

/* A target that the fake worker takes for Python, as @uid. */
guint world_add_target (World *self, guint uid);

G_END_DECLS
