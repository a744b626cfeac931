# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keeps small objects, freed some between them, and says what its allocator says: "BYTES-IN-USE"."""
import os
import re
import sys
import tempfile

keep = [bytes(n % 400) for n in range(300000)]
del keep[::3]
keep.append([object() for _ in range(1000)])

with tempfile.TemporaryFile() as statistics:
    error = os.dup(2)
    os.dup2(statistics.fileno(), 2)
    sys._debugmallocstats()
    os.dup2(error, 2)
    statistics.seek(0)
    text = statistics.read().decode()
used = int(re.search(r"bytes in allocated blocks +=\s+([\d,]+)", text)[1].replace(",", ""))
print("ready", flush=True)
print(used, flush=True)
sys.stdin.readline()
