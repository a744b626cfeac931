/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * HapTracer: the client side of the tracer's protocol. One request, one reply; a peer that answers anything
 * else, or nothing in time, is given up for good. What the operations do is in src/tracer.
 */

#include "hap-tracer.h"

#include <errno.h>
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

/* @reply: the beginning of the reply that belongs to the request, of @size bytes */
static gboolean
exchange (HapTracer *self, const TracerRequest *request, TracerReply *reply, gsize size)
{
  gssize n;

  do
    n = send (self->fd, request, sizeof *request, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n != sizeof *request)
    return FALSE;

  /* From its answer on the target stands still until we go on: being woken would take longer than the rest.
   */
  for (guint i = 0; i < SPINS && request->kind != TRACER_LET_GO && request->kind != TRACER_DROP; i++)
    {
      n = recv (self->fd, reply, size, MSG_TRUNC | MSG_DONTWAIT);
      if (n >= 0 || errno != EAGAIN)
        return n == (gssize)size && reply->kind == request->kind;
    }
  do
    n = recv (self->fd, reply, size, MSG_TRUNC);
  while (n < 0 && errno == EINTR);
  return n == (gssize)size && reply->kind == request->kind;
}

static void
set_status_error (GError **error, int status)
{
  switch (status)
    {
    case ESRCH:
      g_set_error (error, HAP_ERROR, HAP_ERROR_TARGET_GONE, "The target, or this thread of it, has ended");
      break;
    case EBUSY:
      g_set_error (error, HAP_ERROR, HAP_ERROR_BUSY,
                   "Another debugger or tracer holds the target: end it and try again");
      break;
    case EPERM:
      g_set_error (error, HAP_ERROR, HAP_ERROR_NOT_AUTHORIZED,
                   "The kernel refuses to stop the target: a security policy of this system (Yama, SELinux, "
                   "AppArmor, a "
                   "container's) forbids it");
      break;
    case ETIMEDOUT:
      g_set_error (error, HAP_ERROR, HAP_ERROR_TIMED_OUT, "The target could not be held still within %d ms",
                   TRACER_HOLD_LIMIT_MS);
      break;
    default:
      g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED, "The tracer could not do it: %s", g_strerror (status));
    }
}

/* The reply, whatever it says. */
static gboolean
ask (HapTracer *self,
     TracerRequestKind kind,
     guint64 argument,
     TracerReply *reply,
     gsize size,
     GError **error)
{
  const TracerRequest request = { kind, argument };

  if (self->fd >= 0 && exchange (self, &request, reply, size))
    return TRUE;
  give_up (self);
  g_set_error (error, HAP_ERROR, HAP_ERROR_FAILED,
               "The tracer has ended: it was killed, or a stop lasted too long and its watchdog ended it");
  return FALSE;
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
    g_set_error (error, HAP_ERROR, HAP_ERROR_BUSY, "There is a snapshot of the target already");
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
