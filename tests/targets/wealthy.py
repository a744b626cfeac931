# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has some of all that reports tell of: a task, a timer, a socket, one that no object has, a thread deeper than an entry is long."""

import asyncio
import socket
import sys
import threading


class Mute:
    def __repr__(self):
        raise RuntimeError


def dig(depth):
    if depth:
        return fill(depth)
    dug.set()
    return threading.Event().wait()


def fill(depth):
    return dig(depth - 1)


async def main():
    asyncio.get_running_loop().call_later(100000, print)
    print("ready", flush=True)
    await asyncio.sleep(100000)


socket.socket(socket.AF_UNIX).detach()
dug = threading.Event()
mute = [Mute(), Mute()]
kept = socket.socket(socket.AF_UNIX)
sys.setrecursionlimit(20000)
threading.stack_size(64 * 1024 * 1024)
threading.Thread(target=dig, args=(4000,), daemon=True).start()
dug.wait()
asyncio.run(main())
