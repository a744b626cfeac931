/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

/**
 * ServiceProcess: one process, held by a pidfd and by descriptors of its /proc directory that were opened
 * once. The pid is for messages and for comparing. Immutable, reference-counted.
 */
typedef struct _ServiceProcess ServiceProcess;

/**
 * service_process_open:
 *
 * Errors: HAP_ERROR_TARGET_GONE: no such process, or it has ended; HAP_ERROR_UNSUPPORTED_TARGET: a kernel
 * thread, or a process whose main thread has ended; HAP_ERROR_NOT_AUTHORIZED: the kernel does not let us look
 * into it
 */
ServiceProcess *service_process_open (guint pid, GError **error);
ServiceProcess *service_process_ref (ServiceProcess *self);
void service_process_unref (ServiceProcess *self);

guint service_process_get_pid (ServiceProcess *self);
guint service_process_get_uid (ServiceProcess *self); /* effective */
guint service_process_get_gid (ServiceProcess *self);
const char *service_process_get_command (ServiceProcess *self); /* the kernel's short name of it, escaped */
int service_process_get_dir_fd (ServiceProcess *self);
int service_process_get_pidfd (ServiceProcess *self);
int service_process_get_mem_fd (ServiceProcess *self);
int service_process_get_maps_fd (ServiceProcess *self);
int service_process_get_task_fd (ServiceProcess *self);
int service_process_get_mark_fd (ServiceProcess *self); /* see service-mark */

gboolean service_process_is_alive (ServiceProcess *self);

/* TRUE while it runs, still the same program as when it was opened, and for the same user. */
gboolean service_process_is_same (ServiceProcess *self);

/* TRUE when its pid or mount namespace is not the machine's (pid 1's; where that is not shown to us, our
 * own). */
gboolean service_process_is_contained (ServiceProcess *self);

/* A handle (O_PATH) of its root directory; -1 with @error. */
int service_process_open_root (ServiceProcess *self, GError **error);

/* Its network namespace, to be entered; -1 without @error when that is ours, and with @error on failure. */
int service_process_open_network (ServiceProcess *self, GError **error);

/* Opens the file @name of its /proc directory for reading; -1 with @error. */
int service_process_open_file (ServiceProcess *self, const char *name, GError **error);

/* The numbers from @from on that are names in one of its directories, ascending. @directory_fd: (transfer
 * full); -1: it was not opened, errno says why. (element-type guint) */
GArray *service_process_list_numbers (ServiceProcess *self, int directory_fd, guint from, GError **error);

/**
 * service_process_open_threads:
 * @fds: what is opened is appended
 *
 * Returns: (transfer floating): `a(uhhh)`: tid, stat, schedstat and status of at most 64 threads with tids
 * above @after, ascending
 */
GVariant *service_process_open_threads (ServiceProcess *self, guint after, GUnixFDList *fds, GError **error);

/* Returns: (transfer floating): `a(us)`: tid and its file "syscall" of at most 256 threads with tids above
 * @after, ascending */
GVariant *service_process_read_system_calls (ServiceProcess *self, guint after, GError **error);

/**
 * service_process_return:
 * @invocation: (transfer full): what a worker asked of this process
 * @answer: (transfer floating) (nullable): NULL: @error
 * @fds: (nullable): of the answer
 * @error: (transfer full) (nullable)
 *
 * Answers, unless the process has become another program, or another user's, until after @answer was made:
 * then with HAP_ERROR_TARGET_GONE.
 */
void service_process_return (ServiceProcess *self,
                             GDBusMethodInvocation *invocation,
                             GVariant *answer,
                             GUnixFDList *fds,
                             GError *error);

/* Answers a worker's OpenThreads, OpenResidency or ReadSystemCalls, of this process.
 * @invocation: (transfer full) */
void service_process_answer (ServiceProcess *self, GDBusMethodInvocation *invocation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceProcess, service_process_unref)

G_END_DECLS
