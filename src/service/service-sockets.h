/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "service-process.h"

G_BEGIN_DECLS

/* Answers a worker's ReadSockets, OpenSocketDiag or OpenSocketTables, of this process, when it is done: at
 * the latest after some seconds. @invocation: (transfer full) */
void service_sockets_answer (ServiceProcess *process, GDBusMethodInvocation *invocation);

G_END_DECLS
