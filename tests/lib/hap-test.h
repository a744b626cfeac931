/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"

G_BEGIN_DECLS

/* One interpreter at hand, as `scripts/interpreters` lists it: one line each, VERSION TAB PATH TAB ROOT. */
typedef struct
{
  char *version; /* "3.14.10", "3.14.4t" */
  char *path;    /* as seen inside root */
  char *root; /* NULL: this system; else a directory to chroot into, in mount and pid namespaces of its own */
} HapTestPython;

/* Returns: (element-type HapTestPython) (transfer none): all of them, oldest first; versions that the project
 * supports only when
 * @supported. */
GPtrArray *hap_test_list_pythons (gboolean supported);

/* Adds the test @path/VERSION ("…-container" where it has a root) for each interpreter that the project
 * supports; @test gets the HapTestPython. */
void hap_test_add (const char *path, GTestDataFunc test);

/* A target that a test started. Killed (all of its process group and namespace) and reaped when freed. */
typedef struct _HapTestProcess HapTestProcess;

/**
 * hap_test_spawn:
 * @python: the interpreter
 * @argv: what follows it: options, then a script from tests/targets by its bare name, then arguments; in a
 * chroot the scripts are in /mnt
 *
 * Starts it and waits until it printed a line "ready" (fails the test if it ends before). Aborts the test on
 * any failure.
 */
HapTestProcess *hap_test_spawn (const HapTestPython *python, const char *const *argv);
guint hap_test_process_get_pid (HapTestProcess *self); /* of the interpreter, in our pid namespace */
char *hap_test_process_read_line (
    HapTestProcess *self); /* the next line of its stdout, without newline; NULL at its end */
void hap_test_process_write_line (HapTestProcess *self, const char *line); /* to its stdin */
gboolean hap_test_process_is_alive (HapTestProcess *self);
void hap_test_process_free (HapTestProcess *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HapTestProcess, hap_test_process_free)

/* Of a process's first thread, as proc_pid_stat(5) has it: 'R', 'S', 'T'…; '\0': it is gone. Who says
 * "ready", is sent a signal or let go gets there a moment later: await it, without a limit. */
char hap_test_get_state (guint pid);
void hap_test_await_state (guint pid, char state);

/* A HapTarget on a process without any service: opens /proc itself and starts the built tracer when
 * @with_tracer. */
HapTarget *hap_test_attach (guint pid, gboolean with_tracer, GError **error);

/* How many tracers such a target may have, one after another; as many as it takes at first, as from the
 * service, for a loaded machine's watchdog may end one at any hold. Not more than it had: no further one. */
void hap_test_allow_tracers (HapTarget *target, guint max_tracers);

/* The network of such a target cannot be entered: there is no sock_diag socket. */
void hap_test_deny_socket_diag (HapTarget *target);

/* The latest tracer of such a target: for tests that kill or stop it. */
guint hap_test_get_tracer_pid (HapTarget *target);

/* Starts tracers that only reap, as the service does after a job, until the process has no children any more:
 * for those that have none of their own. */
void hap_test_sweep (guint pid);

/* Waits until the target's own tracer, the only one that it had, has left it no child: for those that have
 * none of their own, after all copies were dropped. Another tracer is started only if that one has ended. */
void hap_test_await_reaped (HapTarget *target);

/* That a target does not go on growing while @function (@process, @data) is done to it: @n times, or so many
 * as the environment variable HAP_TEST_RUNS says, and as often again. The target answers a line "blocks" by
 * sys.getallocatedblocks(). */
void hap_test_assert_no_growth (HapTestProcess *process, guint n, GFunc function, gpointer data);

/* The tracer alone. @tracer_pid: (out): for the caller to reap. Returns our end of its socket; -1 with
 * @error. */
int hap_test_start_tracer (guint pid, int pidfd, guint *tracer_pid, GError **error);

/* Returns: (transfer full): the site-packages of the environment that scripts/readers makes, if @file is in
 * it; else a directory that is not there */
char *hap_test_find_package (const char *file);

/* The directory of the source tree / build tree. */
const char *hap_test_source_dir (void);
const char *hap_test_build_dir (void);

G_END_DECLS
