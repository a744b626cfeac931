/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"

G_BEGIN_DECLS

/*
 * What the tracer leaves in a target so that it runs something by itself, and takes back. Only for actions
 * whose class says that they change the target: other tracers refuse with HAP_ERROR_NOT_AUTHORIZED.
 */

/* A memory file that the target and we have open. */
typedef struct
{
  int fd;       /* ours */
  guint number; /* the target's descriptor */
} HapSharedFile;

void hap_shared_file_clear (HapSharedFile *self);

/**
 * hap_target_open_files:
 * @files: (out caller-allocates) (array length=2): new, empty, sealable; in the target closed on exec
 *
 * Makes the target open two memory files. It pauses for that, as long as a system call takes. One pair at a
 * time; the tracer closes it when it ends before anything was published.
 * Errors: HAP_ERROR_UNSUPPORTED_TARGET: under seccomp, or this processor or kernel leaves no way;
 * HAP_ERROR_TIMED_OUT: its main thread could not be stopped where that is safe; as hap_target_hold()
 */
gboolean hap_target_open_files (HapTarget *self, HapSharedFile files[2], GError **error);

/* Makes the target close the pair, as far as it still has it open. Whoever reads in the target should do it.
 */
gboolean hap_target_close_files (HapTarget *self, GError **error);

/**
 * hap_target_publish:
 * @text: (nullable): put where hap_target_get_text_address() says; at most HAP_TRACER_MAX_TEXT bytes
 * @writes: written into the target's writable memory one after the other, each whole
 *
 * All threads are held. Each write but the last must be without effect by itself: we may end after any.
 */
gboolean hap_target_publish (HapTarget *self,
                             const char *text,
                             const HapWrite *writes,
                             guint n_writes,
                             GError **error);

/* Where in the target a published text is: memory that nothing else uses. 0: nowhere. */
guint64 hap_target_get_text_address (HapTarget *self);

/**
 * hap_target_wake:
 * @tid: a held thread, in our pid namespace
 *
 * Where it waits in epoll_wait(), makes this return 0, as if its time were over, when the thread goes on.
 * Nothing happens otherwise.
 */
gboolean hap_target_wake (HapTarget *self, guint tid, GError **error);

G_END_DECLS
