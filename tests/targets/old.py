# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waits, in Pythons that are too old as well."""
import sys
import time

print("ready")
sys.stdout.flush()
while True:
    time.sleep(1)
