# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trees of coroutines and of generators whose only possible stacks are known; their frames lie outside of the data stack.

Edges are of functions of this file; what asyncio has between them is its own.
"""

import asyncio

DEPTH = 5
edges = []


def coroutines(name):
    children = [name + "0", name + "1"] if len(name) < DEPTH else []
    for child in children:
        edges.append((name, child))
    if children:
        body = "    if n & 1:\n        return await %s(n >> 1) + 1\n    return await %s(n >> 1) + 1\n" % tuple(children)
    else:
        body = "    if n & 1:\n        await asyncio.sleep(0)\n    return n\n"
    return "async def %s(n):\n%s" % (name, body) + "".join(coroutines(child) for child in children)


def generators(name):
    children = [name + "0", name + "1"] if len(name) < DEPTH else []
    for child in children:
        edges.append((name, child))
    if children:
        body = "    yield from %s(n)\n    yield n\n    yield from %s(n)\n" % tuple(children)
    else:
        body = "    for i in range(4):\n        yield i + n\n"
    return "def %s(n):\n%s" % (name, body) + "".join(generators(child) for child in children)


exec(compile(coroutines("c") + generators("g"), __file__, "exec"))


async def task(n):
    while True:
        n = (n * 1103515245 + 12345) & 0x7FFFFFFF
        await c(n)  # noqa: F821
        for _ in g(n):  # noqa: F821
            pass
        await asyncio.sleep(0)


async def main():
    print("ready")
    print(*("edge %s %s" % edge for edge in edges), "done", sep="\n", flush=True)
    await asyncio.gather(*(task(n) for n in range(8)))


edges.append(("task", "c"))
edges.append(("task", "g"))
edges.append(("<module>", "main"))
edges.append(("<module>", "task"))
asyncio.run(main())
