/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "client-run.h"
#include "fake-service.h"

G_BEGIN_DECLS

/* The private bus of the whole test program. */
extern GTestDBus *client_bus;

#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* One fake service, how the command is to be run against it, and a fresh directory. */
typedef struct
{
  FakeService *service;
  ClientRunSetup setup;
  char *directory;
} Fixture;

void fixture_set_up (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);

/* Runs to the end and checks the exit status. */
ClientRun *fixture_run (Fixture *fixture, int status, const char *const *arguments);

void assert_has (const GString *text, const char *part);
void assert_lacks (const GString *text, const char *part);
/* Returns: (transfer full): all of standard output, which must be one document */
JsonNode *parse_json (const ClientRun *result);

/* g_test_run() with the bus; @add: adds the tests */
int fixture_main (int argc, char **argv, void (*add) (void));

#define ADD(path, function)                                                                                  \
  g_test_add ("/client/" path, Fixture, NULL, fixture_set_up, function, fixture_tear_down)

G_END_DECLS
