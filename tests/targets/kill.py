# SPDX-License-Identifier: LGPL-2.1-or-later
"""Computes and waits in the way that its first argument names, and counts in the file that is its second what it did, what of it went wrong
(wrong sums, and system calls that failed or returned what they must not), and whether somebody watches it: a profiler, or asyncio's debug mode."""
import asyncio
import mmap
import os
import sys
import threading
import time
import zlib

mode, path = sys.argv[1:]
with open(path, "r+b") as file:
    shared = mmap.mmap(file.fileno(), 4096)
counts = memoryview(shared).cast("Q")
expected = zlib.crc32(bytes(range(256)) * 64)
reading, writing = os.pipe()


def is_watched():
    tool = hasattr(sys, "monitoring") and sys.monitoring.get_tool(sys.monitoring.PROFILER_ID)
    return bool(tool) + 2 * bool(sys.getprofile()) + 4 * asyncio.get_running_loop().get_debug()


def work():
    if zlib.crc32(bytes(range(256)) * 64) != expected:
        counts[1] += 1
    try:
        if os.write(writing, b"x") != 1 or os.read(reading, 1) != b"x":
            counts[1] += 1
    except OSError:
        counts[1] += 1
    counts[0] += 1


def spin():
    number = 0
    while True:
        number = (number + 1) % 1000000


def doze():
    while True:
        before = time.monotonic()
        time.sleep(0.01)
        if time.monotonic() - before < 0.01:
            counts[1] += 1


async def main():
    while True:
        work()
        counts[2] = is_watched()
        await asyncio.sleep(0 if mode == "busy" else 0.002)


for _ in range(3 if mode in ("spinning", "dozing") else 0):
    threading.Thread(target=spin if mode == "spinning" else doze, daemon=True).start()
print("ready", flush=True)
asyncio.run(main())
