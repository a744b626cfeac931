/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hap-broker.h"

/* TRUE once the kernel began to take the thread down, or has. */
gboolean hap_thread_is_ending (const HapThread *thread);
