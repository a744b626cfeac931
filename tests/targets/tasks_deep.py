# SPDX-License-Identifier: LGPL-2.1-or-later
"""argv: a depth. A task that awaits through that many coroutines, each at a line of its own kind: outer, step, ..., step, inner; then one
that runs in as many functions: outer_run, call, ..., call, stop."""

import asyncio
import sys
import threading
import time

depth = int(sys.argv[1])


async def inner():
    await asyncio.get_running_loop().create_future()


async def step(n):
    await (step(n - 1) if n > 1 else inner())


async def outer(n):
    await step(n)


def stop():
    print("ready", flush=True)
    while True:
        time.sleep(100000)


def call(n):
    return call(n - 1) if n > 1 else stop()


async def outer_run(n):
    call(n)


async def main():
    for _ in range(100):  # from 3.12 on such calls take no C stack once they were made some times
        task = asyncio.create_task(outer(20))
        await asyncio.sleep(0)
        task.cancel()
    kept = asyncio.create_task(outer(depth), name="deep")
    await asyncio.sleep(0)
    await asyncio.create_task(outer_run(depth), name="runs deep")
    print(kept)


sys.setrecursionlimit(10 * depth + 1000)
threading.stack_size(768 * 1024 * 1024)
thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
thread.start()
thread.join()
