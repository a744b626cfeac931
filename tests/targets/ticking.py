# SPDX-License-Identifier: LGPL-2.1-or-later
"""argv: threads, tasks. A program that works: its event loop ticks each millisecond. For each line on stdin it prints how many
milliseconds the loop stood still at most since the line before."""

import asyncio
import sys
import threading
import time

longest = 0.0


async def tick():
    global longest
    before = time.monotonic()
    while True:
        await asyncio.sleep(0.001)
        now = time.monotonic()
        longest = max(longest, now - before)
        before = now


def answer():
    global longest
    for _ in sys.stdin:
        print(f"{longest * 1000:.1f}", flush=True)
        longest = 0.0


async def wait(event):
    await event.wait()


async def main():
    event, done = asyncio.Event(), threading.Event()
    for _ in range(int(sys.argv[1])):
        threading.Thread(target=done.wait, daemon=True).start()
    tasks = [asyncio.create_task(wait(event)) for _ in range(int(sys.argv[2]))]
    threading.Thread(target=answer, daemon=True).start()
    await asyncio.sleep(0.5)
    print("ready", flush=True)
    await tick()
    print(len(tasks))


asyncio.run(main())
