/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "service-process.h"

G_BEGIN_DECLS

/**
 * service_copy_open:
 * @target: whose copy it should be
 * @tracer_pid: who should hold it
 * @pid: a worker's word for it, hostile
 * @fds: mem and maps are appended
 *
 * Opens a frozen fork for reading, has the kernel end it first when memory gets short, and ends it itself
 * when that is near. Returns: (transfer floating): `(hh)`. Errors: HAP_ERROR_NOT_AUTHORIZED: it is no child
 * of @target that the tracer holds; HAP_ERROR_NO_SPACE: memory is too short for it; HAP_ERROR_TARGET_GONE: it
 * has ended
 */
GVariant *
service_copy_open (ServiceProcess *target, guint tracer_pid, guint pid, GUnixFDList *fds, GError **error);

/**
 * service_copy_list_left:
 *
 * Returns: (transfer full) (element-type guint): copies that have ended, which nobody has made their parent
 * @target reap, as numbered in its pid namespace; at most 64
 */
GArray *service_copy_list_left (ServiceProcess *target);

/* Where the target's vDSO is, from which it can be made to reap them; 0: it has none, or it cannot be told.
 */
guint64 service_copy_find_vdso (ServiceProcess *target);

G_END_DECLS
