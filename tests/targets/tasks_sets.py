# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fifty tasks that stay, and thousands that come and go, so that what all of them are kept in grows and shrinks all the time.

Another set of those that stay is half of the time as one that just gets another table is: it says that it has more than it has. With the
argument "torn": always.
"""

import asyncio
import asyncio.tasks
import ctypes
import sys
import threading

USED = 24  # PySetObject.used, Include/cpython/setobject.h


async def stay():
    await asyncio.sleep(100000)


async def go():
    await asyncio.sleep(0)


def grow(used):
    while True:
        used.value = 51
        used.value = 50


async def main():
    staying = [asyncio.create_task(stay(), name=f"stays-{number}") for number in range(50)]
    await asyncio.sleep(0)
    asyncio.tasks._eager_tasks = set(staying)
    used = ctypes.c_ssize_t.from_address(id(asyncio.tasks._eager_tasks) + USED)
    assert used.value == 50
    if "torn" in sys.argv:
        used.value = 51
    else:
        threading.Thread(target=grow, args=(used,), daemon=True).start()
    print("ready", flush=True)
    while len(staying) == 50:
        await asyncio.gather(*(go() for _ in range(3000)))


asyncio.run(main())
