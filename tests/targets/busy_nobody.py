# SPDX-License-Identifier: LGPL-2.1-or-later
"""Becomes the user "nobody" and computes."""

import os
import sys

BUSY = "print('ready', flush=True)\nwhile True: sum(i for i in range(1000))"

if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
# A process that changed its user belongs to root until it executes something.
os.execv(sys.executable, [sys.executable, "-S", "-c", BUSY])
