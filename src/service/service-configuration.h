/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "service-limits.h"

G_BEGIN_DECLS

/**
 * ServiceConfiguration: what an administrator can set; data/ha-profilerd.conf describes each key.
 */
typedef struct
{
  char *target; /* NULL: none */
  guint idle_seconds;
  guint retention_seconds;
  ServiceLimits limits;
} ServiceConfiguration;

void service_configuration_init (ServiceConfiguration *self);
void service_configuration_clear (ServiceConfiguration *self);

/* Takes over what the file @path says. FALSE with @error, which names the key, when it cannot be read or says
 * what is not known: then nothing is taken over. */
gboolean service_configuration_load (ServiceConfiguration *self, const char *path, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ServiceConfiguration, service_configuration_clear)

G_END_DECLS
