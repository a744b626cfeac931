# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fifty tasks that stay, and thousands that come and go, so that what all of them are kept in grows and shrinks all the time."""

import asyncio


async def stay():
    await asyncio.sleep(100000)


async def go():
    await asyncio.sleep(0)


async def main():
    staying = [asyncio.create_task(stay(), name=f"stays-{number}") for number in range(50)]
    await asyncio.sleep(0)
    print("ready", flush=True)
    while len(staying) == 50:
        await asyncio.gather(*(go() for _ in range(3000)))


asyncio.run(main())
