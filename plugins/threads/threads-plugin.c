/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registers the actions of the threads plugin.
 */

#include "hap-plugin.h"
#include "threads-log-frames.h"

HAP_DEFINE_PLUGIN (ThreadsPlugin, threads_plugin, THREADS_TYPE_LOG_FRAMES)
