# SPDX-License-Identifier: LGPL-2.1-or-later
"""Computes and waits in the way that its first argument names, and counts in the file that is its second what it did, and what of it
went wrong: wrong sums, and system calls that failed or returned what they must not."""
import asyncio
import mmap
import os
import sys
import threading
import zlib

mode, path = sys.argv[1:]
with open(path, "r+b") as file:
    shared = mmap.mmap(file.fileno(), 4096)
counts = memoryview(shared).cast("Q")
expected = zlib.crc32(bytes(range(256)) * 64)
reading, writing = os.pipe()


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


async def main():
    while True:
        work()
        await asyncio.sleep(0 if mode == "busy" else 0.002)


for _ in range(3 if mode == "threads" else 0):
    threading.Thread(target=spin, daemon=True).start()
print("ready", flush=True)
asyncio.run(main())
