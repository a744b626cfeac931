/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-target.h"

G_BEGIN_DECLS

/**
 * worker_discover:
 * @cmdline_fd: the process's /proc/PID/cmdline, or -1
 *
 * Returns: (transfer floating) (nullable): what the private interface's Discover says of one process; NULL
 * when it is not Python
 */
GVariant *worker_discover (HapTarget *target, int cmdline_fd);

/* Returns: (transfer full): the arguments in @cmdline_fd, as valid UTF-8, of as much as a worker looks at */
GStrv worker_read_arguments (int cmdline_fd);

/**
 * worker_name_command:
 * @arguments: a command line, valid UTF-8
 *
 * Returns: (transfer full) (nullable): what people call it: the script, the module of -m, or the program;
 * [A-Za-z0-9._-], at most 64
 */
char *worker_name_command (const char *const *arguments);

G_END_DECLS
