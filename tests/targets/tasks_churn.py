# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks that come and go: the coroutine stepN awaits stepN+1, or sleeps, and nothing else."""

import asyncio
import random

DEPTH = 12

source = "".join(
    f"async def step{n}(depth):\n    await (step{n + 1}(depth) if depth > {n} else asyncio.sleep(random.choice((0, 0, 0.001))))\n"
    for n in range(DEPTH)
)
exec(compile(source + f"async def step{DEPTH}(depth):\n    pass\n", __file__, "exec"))


async def work(running):
    while True:
        tasks = [asyncio.create_task(step0(random.randrange(DEPTH))) for _ in range(random.randrange(1, 8))]  # noqa: F821
        await asyncio.gather(*tasks)


async def main():
    tasks = [asyncio.create_task(work(i)) for i in range(30)]
    print("ready", flush=True)
    await asyncio.gather(*tasks)


asyncio.run(main())
