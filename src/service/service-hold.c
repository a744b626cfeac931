/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * When the service is idle. Who holds it, and what is done when nobody does, is for others to say.
 */

#include "service-hold.h"

struct _ServiceHold
{
  guint n_holders;
  guint idle_seconds;
  guint timer;
  ServiceHoldFunc on_idle;
  gpointer data;
};

static gboolean
on_timer (gpointer data)
{
  ServiceHold *self = data;

  self->timer = 0;
  self->on_idle (self->data);
  return G_SOURCE_REMOVE;
}

static void
start_timer (ServiceHold *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add_seconds (self->idle_seconds, on_timer, self);
}

ServiceHold *
service_hold_new (guint idle_seconds, ServiceHoldFunc on_idle, gpointer data)
{
  ServiceHold *self = g_rc_box_new0 (ServiceHold);

  self->idle_seconds = idle_seconds;
  self->on_idle = on_idle;
  self->data = data;
  start_timer (self);
  return self;
}

void
service_hold_free (ServiceHold *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  self->on_idle = NULL;
  g_rc_box_release (self);
}

void
service_hold_take (ServiceHold *self)
{
  g_rc_box_acquire (self);
  self->n_holders++;
  g_clear_handle_id (&self->timer, g_source_remove);
}

void
service_hold_release (ServiceHold *self)
{
  g_return_if_fail (self->n_holders > 0);

  if (--self->n_holders == 0 && self->on_idle != NULL)
    start_timer (self);
  g_rc_box_release (self);
}

gboolean
service_hold_is_taken (ServiceHold *self)
{
  return self->n_holders > 0;
}
