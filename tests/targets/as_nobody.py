# SPDX-License-Identifier: LGPL-2.1-or-later
"""Becomes the user "nobody", wholly or, with an argument, only in its effective uid, prints "ready" and stays."""

import os
import sys

if os.getuid() == 0 and len(sys.argv) == 1:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    # A process that changed its user belongs to root until it executes something.
    os.execv(sys.executable, [sys.executable, "-S", "-c", "print('ready', flush=True)\nimport sys\nsys.stdin.read()"])
os.seteuid(65534)
print("ready", flush=True)
sys.stdin.read()
