/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapTracer: the client side of the tracer's protocol. One request, one reply; a peer that answers anything
 * else, or nothing in time, is given up for good. What the operations do is in src/tracer.
 */

#include "hap-tracer.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "hap-error.h"
#include "tracer-protocol.h"

/* Far above the tracer's own limits: only a tracer that the machine gives no time to at all is given up by
 * it. */
#define REPLY_TIMEOUT_SECONDS 5

/* Some tens of microseconds: as long as a stop takes. */
#define SPINS 100

struct _HapTracer
{
  GObject parent_instance;

  int fd; /* -1 once the tracer is gone */
};

G_DEFINE_FINAL_TYPE (HapTracer, hap_tracer, G_TYPE_OBJECT)

static void
give_up (HapTracer *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* Takes the two descriptors that came with a message, if @fds wants them. FALSE if there are not just two. */
static gboolean
take_fds (struct msghdr *message, int *fds)
{
  struct cmsghdr *control = CMSG_FIRSTHDR (message);

  if (control == NULL || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS
      || control->cmsg_len != CMSG_LEN (2 * sizeof (int)))
    return FALSE;
  memcpy (fds, CMSG_DATA (control), 2 * sizeof (int));
  return TRUE;
}

/* @fds: (nullable): for descriptors, which a success brings */
static gssize
receive (HapTracer *self, TracerReply *reply, gsize size, int *fds, int flags)
{
  union
  {
    struct cmsghdr header;
    char space[CMSG_SPACE (2 * sizeof (int))];
  } control;
  struct iovec part = { reply, size };
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
  gssize n;

  if (fds != NULL)
    {
      message.msg_control = &control;
      message.msg_controllen = sizeof control;
    }
  do
    n = recvmsg (self->fd, &message, MSG_TRUNC | MSG_CMSG_CLOEXEC | flags);
  while (n < 0 && errno == EINTR);
  if (n == (gssize)size && fds != NULL && !take_fds (&message, fds) && reply->status == 0)
    return -1;
  return n;
}

/*
 * @request: of @request_size bytes; begins as every request. @reply: the beginning of the reply that belongs
 * to it, of
 * @size bytes. @fds: as receive()'s
 */
static gboolean
exchange (HapTracer *self,
          gconstpointer request,
          gsize request_size,
          TracerReply *reply,
          gsize size,
          int *fds)
{
  const guint64 kind = ((const TracerRequest *)request)->kind;
  gssize n;

  do
    n = send (self->fd, request, request_size, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n != (gssize)request_size)
    return FALSE;

  /* From its answer on the target stands still until we go on: being woken would take longer than the rest.
   */
  for (guint i = 0; i < SPINS && kind != TRACER_LET_GO && kind != TRACER_DROP && fds == NULL; i++)
    {
      n = receive (self, reply, size, NULL, MSG_DONTWAIT);
      if (n >= 0 || errno != EAGAIN)
        return n == (gssize)size && reply->kind == kind;
    }
  n = receive (self, reply, size, fds, 0);
  return n == (gssize)size && reply->kind == kind;
}

static void
set_status_error (GError **error, int status)
{
  switch (status)
    {
    case ESRCH:
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE,
                   _ ("The target, or this thread of it, has ended"));
      break;
    case EBUSY:
      g_set_error (error, HAP_ERROR, HAP_ERROR_BUSY,
                   _ ("Another debugger or tracer holds the target: end it and try again"));
      break;
    case EPERM:
      g_set_error (
          error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED,
          _ ("The kernel refuses to stop the target: a security policy of this system (Yama, SELinux, "
             "AppArmor, a "
             "container's) forbids it"));
      break;
    case ETIMEDOUT:
      g_set_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT,
                   _ ("The target could not be held still within %d ms"), TRACER_HOLD_LIMIT_MS);
      break;
    case EACCES:
      g_set_error (
          error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
          _ ("The target is under seccomp and is not made to make a system call: allow it none, or start "
             "it without"));
      break;
    case ENXIO:
    case ENOSYS:
      g_set_error (
          error, HAP_ERROR, HAP_ERROR_UNSUPPORTED_TARGET,
          _ ("There is no way to make the target make a system call: its vDSO is another than ours, or "
             "this processor is not supported"));
      break;
    default:
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, _ ("The tracer could not do it: %s"),
                   g_strerror (status));
    }
}

/* The reply, whatever it says. */
static gboolean
ask_packet (HapTracer *self,
            gconstpointer request,
            gsize request_size,
            TracerReply *reply,
            gsize size,
            int *fds,
            GError **error)
{
  if (self->fd >= 0 && exchange (self, request, request_size, reply, size, fds))
    return TRUE;
  give_up (self);
  g_set_error (
      error, HAP_ERROR, HAP_ERROR_FAILED,
      _ ("The tracer has ended: it was killed, or a stop lasted too long and its watchdog ended it"));
  return FALSE;
}

static gboolean
ask (HapTracer *self,
     TracerRequestKind kind,
     guint64 argument,
     TracerReply *reply,
     gsize size,
     GError **error)
{
  const TracerRequest request = { kind, argument };

  return ask_packet (self, &request, sizeof request, reply, size, NULL, error);
}

static gboolean
call (HapTracer *self,
      TracerRequestKind kind,
      guint64 argument,
      TracerReply *reply,
      gsize size,
      GError **error)
{
  if (!ask (self, kind, argument, reply, size, error))
    return FALSE;
  if (reply->status != 0)
    {
      set_status_error (error, reply->status);
      return FALSE;
    }
  return TRUE;
}

static void
hap_tracer_finalize (GObject *object)
{
  give_up (HAP_TRACER (object));

  G_OBJECT_CLASS (hap_tracer_parent_class)->finalize (object);
}

static void
hap_tracer_class_init (HapTracerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hap_tracer_finalize;
}

static void
hap_tracer_init (HapTracer *self)
{
  self->fd = -1;
}

HapTracer *
hap_tracer_new (int fd)
{
  const struct timeval timeout = { .tv_sec = REPLY_TIMEOUT_SECONDS };
  HapTracer *self = g_object_new (HAP_TYPE_TRACER, NULL);

  self->fd = fd;
  if (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0
      || setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)
    give_up (self);
  return self;
}

gboolean
hap_tracer_is_alive (HapTracer *self)
{
  return self->fd >= 0;
}

gboolean
hap_tracer_hold (HapTracer *self, guint tid, GError **error)
{
  TracerReply reply;

  return call (self, TRACER_HOLD, tid, &reply, sizeof reply, error);
}

gboolean
hap_tracer_let_go (HapTracer *self, guint64 *pause_ns, GError **error)
{
  TracerReply reply;

  if (!call (self, TRACER_LET_GO, 0, &reply, sizeof reply, error))
    return FALSE;
  if (pause_ns != NULL)
    *pause_ns = reply.value;
  return TRUE;
}

static HapRefusal
get_refusal (int status)
{
  switch (status)
    {
    case EAGAIN:
      return HAP_REFUSAL_PROCESSES;
    case ENOMEM:
      return HAP_REFUSAL_MEMORY;
    case EACCES:
      return HAP_REFUSAL_SECCOMP;
    case ENXIO:
    case ENOSYS:
      return HAP_REFUSAL_NO_ROOM;
    default:
      return HAP_REFUSAL_NONE;
    }
}

gboolean
hap_tracer_freeze (HapTracer *self, guint64 vdso, guint *copy, HapRefusal *refusal, GError **error)
{
  TracerReply reply;

  *refusal = HAP_REFUSAL_NONE;
  if (!ask (self, TRACER_FREEZE, vdso, &reply, sizeof reply, error))
    return FALSE;
  if (reply.status == 0)
    {
      *copy = (guint)reply.value;
      return TRUE;
    }
  *refusal = get_refusal (reply.status);
  if (reply.status == EINVAL)
    g_set_error (error, HAP_ERROR, HAP_ERROR_BUSY, _ ("There is a snapshot of the target already"));
  else if (*refusal == HAP_REFUSAL_NONE)
    set_status_error (error, reply.status);
  return FALSE;
}

gboolean
hap_tracer_drop (HapTracer *self, GError **error)
{
  TracerReply reply;

  return call (self, TRACER_DROP, 0, &reply, sizeof reply, error);
}

gboolean
hap_tracer_read_registers (HapTracer *self, guint tid, HapRegisters *registers, GError **error)
{
  TracerRegistersReply reply;

  G_STATIC_ASSERT (HAP_MAX_REGISTERS == TRACER_MAX_REGISTERS);
  if (!call (self, TRACER_READ_REGISTERS, tid, &reply.reply, sizeof reply, error))
    return FALSE;
  registers->n = (guint)MIN (reply.reply.value, HAP_MAX_REGISTERS);
  memcpy (registers->values, reply.registers, sizeof registers->values);
  registers->pc = reply.pc;
  return TRUE;
}

gboolean
hap_tracer_open_files (HapTracer *self, guint64 vdso, guint numbers[2], int fds[2], GError **error)
{
  const TracerRequest request = { TRACER_OPEN, vdso };
  TracerReply reply;

  if (!ask_packet (self, &request, sizeof request, &reply, sizeof reply, fds, error))
    return FALSE;
  if (reply.status != 0)
    {
      set_status_error (error, reply.status);
      return FALSE;
    }
  numbers[0] = (guint32)reply.value;
  numbers[1] = (guint32)(reply.value >> 32);
  return TRUE;
}

gboolean
hap_tracer_close_files (HapTracer *self, GError **error)
{
  TracerReply reply;

  return call (self, TRACER_CLOSE, 0, &reply, sizeof reply, error);
}

static gboolean
publish (HapTracer *self,
         TracerRequestKind kind,
         guint64 vdso,
         const char *text,
         const HapWrite *writes,
         guint n_writes,
         GError **error)
{
  TracerPublication publication = { .kind = kind, .vdso = vdso, .n_writes = n_writes };
  TracerReply reply;

  g_return_val_if_fail (n_writes <= TRACER_MAX_WRITES, FALSE);
  if (text != NULL)
    g_strlcpy (publication.text, text, sizeof publication.text);
  for (guint i = 0; i < n_writes; i++)
    {
      publication.writes[i].address = writes[i].address;
      publication.writes[i].size = writes[i].size;
      memcpy (publication.writes[i].bytes, writes[i].bytes, TRACER_MAX_WRITE);
    }
  if (!ask_packet (self, &publication, sizeof publication, &reply, sizeof reply, NULL, error))
    return FALSE;
  if (reply.status != 0)
    set_status_error (error, reply.status);
  return reply.status == 0;
}

gboolean
hap_tracer_publish (HapTracer *self,
                    guint64 vdso,
                    const char *text,
                    const HapWrite *writes,
                    guint n_writes,
                    GError **error)
{
  return publish (self, TRACER_PUBLISH, vdso, text, writes, n_writes, error);
}

gboolean
hap_tracer_patch (HapTracer *self, const HapWrite *writes, guint n_writes, GError **error)
{
  return publish (self, TRACER_PATCH, 0, NULL, writes, n_writes, error);
}

gboolean
hap_tracer_wake (HapTracer *self, guint tid, GError **error)
{
  TracerReply reply;

  return call (self, TRACER_WAKE, tid, &reply, sizeof reply, error);
}

gboolean
hap_tracer_run (HapTracer *self, guint descriptor, GError **error)
{
  TracerReply reply;

  return call (self, TRACER_RUN, descriptor, &reply, sizeof reply, error);
}

gboolean
hap_tracer_watch (HapTracer *self, gboolean *runs, GError **error)
{
  TracerReply reply;

  if (!call (self, TRACER_WATCH, 0, &reply, sizeof reply, error))
    return FALSE;
  *runs = reply.value != 0;
  return TRUE;
}

gsize
hap_tracer_get_text_room (void)
{
  return TRACER_TEXT_SIZE;
}

G_STATIC_ASSERT (HAP_TRACER_MAX_WRITE == TRACER_MAX_WRITE && HAP_TRACER_MAX_WRITES == TRACER_MAX_WRITES
                 && HAP_TRACER_MAX_TEXT == TRACER_MAX_TEXT - 1);
