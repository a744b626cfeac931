/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Opens the absolute @path as a process sees it whose root directory @root is: a handle (O_PATH); -1 with
 * errno. Symbolic links and ".." lead nowhere else than below @root, and links of /proc nowhere. Safe between
 * fork and exec.
 */
int service_beneath_open (int root, const char *path);

/* Opens for reading what a handle is of; -1 with errno. As safe. */
int service_beneath_reopen (int handle);
