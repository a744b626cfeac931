/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A descriptor by which the program that a process runs now is known again; -1 with errno. @dir_fd: its
 * directory in /proc. */
int service_mark_open (int dir_fd);

/* FALSE: the process has ended, or runs another program, if the same one again. Never waits. */
gboolean service_mark_holds (int mark);

G_END_DECLS
