/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tracer-publish.h"

/* What a peer may send. */
typedef union
{
  TracerRequest request;
  TracerPublication publication;
} TracerPacket;

/* FALSE when @end came before a request, or the target's end before both. A late SIGALRM is no request. */
bool tracer_wait_for_request (uint64_t end, bool target_may_end);

/* Waits for a request. FALSE: there is none any more; @ended: the peer has, and did not send what is none. */
bool tracer_receive (TracerPacket *packet, bool *ended);

/* Sends a reply, with @files (nullable), which are dropped then. We end where it cannot be sent. */
void tracer_send (const TracerReply *reply, TracerFiles *files);

/* Answers READ_REGISTERS: for unwinding the stack of a thread that is held. */
void tracer_send_registers (const TracerHold *hold, uint64_t tid);
