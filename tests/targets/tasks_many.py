# SPDX-License-Identifier: LGPL-2.1-or-later
"""argv: tasks, timers, threads. A program with so many of each, which does little."""

import asyncio
import sys
import threading

n_tasks, n_timers, n_threads = (int(argument) for argument in sys.argv[1:4])


async def inner(event):
    await event.wait()


async def outer(event):
    await inner(event)


def tick(number):
    pass


async def main():
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    done = threading.Event()
    for number in range(n_threads):
        threading.Thread(target=done.wait, name=f"waiter-{number}", daemon=True).start()
    tasks = [asyncio.create_task(outer(event), name=f"task-{number}") for number in range(n_tasks)]
    timers = [loop.call_later(3600 + number, tick, number) for number in range(n_timers)]
    await asyncio.sleep(0)
    print("ready", flush=True)
    await event.wait()
    print(len(tasks), len(timers))


asyncio.run(main())
