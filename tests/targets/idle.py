# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waits in read() until its input ends."""
import sys

print("ready", flush=True)
sys.stdin.read()
