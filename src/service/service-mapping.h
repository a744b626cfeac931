/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "service-process.h"

G_BEGIN_DECLS

/* Answers OpenMapping of org.homeassistant.Profiler.Private.Job. @invocation: (transfer full) */
void service_mapping_answer (ServiceProcess *process, GDBusMethodInvocation *invocation);

G_END_DECLS
