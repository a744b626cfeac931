# SPDX-License-Identifier: LGPL-2.1-or-later
"""An event loop with three busy tasks and many idle ones, and four named threads that work and sleep: five threads in all.

A line on stdin is answered by the rounds a second that the busy tasks made since the last line.
"""

import asyncio
import json
import sys
import threading
import time

rounds = 0


def fibonacci(n):
    """Recurse."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


async def busy():
    """Work, and let the others work."""
    global rounds
    while True:
        fibonacci(15)
        rounds += 1
        await asyncio.sleep(0)


async def idle():
    """Wait."""
    while True:
        await asyncio.sleep(1)


def work():
    """Work in C code, and sleep."""
    while True:
        json.dumps({"a": list(range(200))})
        time.sleep(0.005)


async def main():
    """Start, and answer."""
    for i in range(4):
        threading.Thread(target=work, name=f"SyncWorker_{i}", daemon=True).start()
    tasks = [asyncio.create_task(busy(), name=f"busy-{i}") for i in range(3)]
    tasks += [asyncio.create_task(idle(), name=f"idle-{i}") for i in range(200)]
    loop = asyncio.get_running_loop()
    last = [0, time.monotonic()]

    def answer():
        if not sys.stdin.readline():
            loop.remove_reader(sys.stdin)
            return
        now = [rounds, time.monotonic()]
        print((now[0] - last[0]) / (now[1] - last[1]), flush=True)
        last[:] = now

    loop.add_reader(sys.stdin, answer)
    print("ready", flush=True)
    await asyncio.gather(*tasks)


asyncio.run(main())
