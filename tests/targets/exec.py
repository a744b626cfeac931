# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replaces itself by idle.py, which says "ready" again, when it gets a line."""
import os
import sys

print("ready", flush=True)
sys.stdin.readline()
os.execv(sys.executable, [sys.executable, os.path.join(os.path.dirname(__file__), "idle.py")])
