/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* One thread of the target as the kernel shows it: descriptors are open for reading, re-readable at offset 0.
 */
typedef struct
{
  guint tid;        /* in our pid namespace */
  guint ns_tid;     /* in the target's own, as CPython's native_thread_id counts */
  int stat_fd;      /* /proc/PID/task/TID/stat */
  int schedstat_fd; /* /proc/PID/task/TID/schedstat */
} HapThread;

void hap_thread_clear (HapThread *thread);

/* The system call that a thread waits in, as /proc/PID/task/TID/syscall has it. */
typedef struct
{
  guint tid;        /* in our pid namespace */
  gint64 number;    /* HAP_NO_SYSTEM_CALL: it runs, or waits elsewhere */
  guint64 argument; /* the first */
} HapSystemCall;

#define HAP_NO_SYSTEM_CALL (-1)

/* @line: the file's text. FALSE if it is none. */
gboolean hap_system_call_parse (const char *line, HapSystemCall *call);

/* A descriptor of the target that is a socket. */
typedef struct
{
  guint fd;
  guint64 inode;
} HapSocket;

/* A table of sockets in the target's network, as text. */
typedef struct
{
  char *name; /* "tcp", "tcp6", "udp", "udp6", "unix", "netlink", "packet" */
  int fd;
} HapSocketTable;

void hap_socket_table_clear (HapSocketTable *self);

#define HAP_TYPE_BROKER (hap_broker_get_type ())
G_DECLARE_INTERFACE (HapBroker, hap_broker, HAP, BROKER, GObject)

/**
 * HapBrokerInterface: who opens descriptors for a target that may open nothing itself. In a worker it asks
 * the service; a test opens /proc directly.
 * @open_mapping: the file behind the mapping @start..@end, for reading; -1 with @error
 * @open_tracer: starts a tracer for the process and returns our end of its SOCK_SEQPACKET socket; -1 with
 * @error
 * @open_threads: (element-type HapThread): all threads with a tid above @after, in ascending order, at most
 * 64 a call; free function set; empty at the end
 * @read_system_calls: (element-type HapSystemCall): of all threads with a tid above @after, in ascending
 * order, at most 256 a call; empty at the end. (The file itself is readable only to who may trace.)
 * @open_sources: the files at @paths (NULL-terminated, at most HAP_MAX_SOURCES), absolute paths as the target
 * sees them, as far as the target's user may read them: @fds gets for each a copy to read, at most
 * HAP_MAX_SOURCE_SIZE, or -1
 * @open_residency: (nullable): /proc/PID/smaps, to be read again at offset 0; -1 with @error
 * @open_copy: makes the target's frozen fork @pid, which its tracer holds, the first process that the kernel
 * ends when memory is short, and opens its /proc/PID/mem and maps. HAP_ERROR_NO_SPACE: memory is too short
 * for it now
 * @read_sockets: (element-type HapSocket): of some descriptors from the number @from on, in ascending order;
 * @next: (out): where to go on; 0: that were all
 * @open_socket_diag: a NETLINK_SOCK_DIAG socket in the target's network namespace; -1 with @error
 * @open_socket_tables: (element-type HapSocketTable): the tables of sockets in /proc/PID/net, those that
 * there are
 */
struct _HapBrokerInterface
{
  GTypeInterface parent_iface;

  int (*open_mapping) (HapBroker *self, guint64 start, guint64 end, GError **error);
  GArray *(*open_threads) (HapBroker *self, guint after, GError **error);
  int (*open_tracer) (HapBroker *self, GError **error);
  GArray *(*read_system_calls) (HapBroker *self, guint after, GError **error);
  gboolean (*open_sources) (HapBroker *self, const char *const *paths, int *fds, GError **error);
  int (*open_residency) (HapBroker *self, GError **error);
  gboolean (*open_copy) (HapBroker *self, guint pid, int *mem_fd, int *maps_fd, GError **error);
  GArray *(*read_sockets) (HapBroker *self, guint from, guint *next, GError **error);
  int (*open_socket_diag) (HapBroker *self, GError **error);
  GArray *(*open_socket_tables) (HapBroker *self, GError **error);
};

#define HAP_MAX_SOURCES 64
#define HAP_MAX_SOURCE_SIZE (1024 * 1024)

int hap_broker_open_mapping (HapBroker *self, guint64 start, guint64 end, GError **error);
GArray *hap_broker_open_threads (HapBroker *self, guint after, GError **error);
int hap_broker_open_tracer (HapBroker *self, GError **error);
GArray *hap_broker_read_system_calls (HapBroker *self, guint after, GError **error);
gboolean hap_broker_open_sources (HapBroker *self, const char *const *paths, int *fds, GError **error);
int hap_broker_open_residency (HapBroker *self, GError **error);
gboolean hap_broker_open_copy (HapBroker *self, guint pid, int *mem_fd, int *maps_fd, GError **error);
GArray *hap_broker_read_sockets (HapBroker *self, guint from, guint *next, GError **error);
int hap_broker_open_socket_diag (HapBroker *self, GError **error);
GArray *hap_broker_open_socket_tables (HapBroker *self, GError **error);

G_END_DECLS
