# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has something for every report, names that are meant to be misread, and a main thread that waits in the kernel: its memory can be
changed from outside, and it will not notice."""

import asyncio
import ctypes
import functools
import mmap
import os
import socket
import tempfile
import threading

NAME = b"\x1b[2J\n) R 1 $(id)"

libc = ctypes.CDLL(None)
libc.prctl(15, ctypes.c_char_p(NAME), 0, 0, 0)
# Mappings whose names end the line, or look like another.
maps = []
with tempfile.TemporaryDirectory() as directory:
    for name in ("a\n00400000-00452000 r-xp 00000000 08:02 1 ", "b (deleted)", "\x1b[31m\xff", "libpython3.11.so.1.0"):
        with open(os.path.join(directory, name), "wb+") as file:
            file.write(b"\x7fELF" + os.urandom(8188))
            file.flush()
            maps.append(mmap.mmap(file.fileno(), 8192, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC))


@functools.lru_cache(maxsize=8)
def cached(number):
    return [number] * number


class Node:
    def __init__(self, next_node):
        self.next = next_node
        self.text = "x" * 50


async def sleep_well(event):
    await event.wait()


async def main():
    event = asyncio.Event()
    tasks = [asyncio.create_task(sleep_well(event), name=f"task \n{i}") for i in range(20)]
    asyncio.get_running_loop().call_later(1000, print)
    await asyncio.sleep(0)
    for number in range(8):
        cached(number)
    node = None
    for _ in range(5000):
        node = Node(node)
    pair = socket.socketpair()
    for i in range(3):
        threading.Thread(target=pair[0].recv, args=(1,), name=f"thread\x1b[{i}", daemon=True).start()
    print("ready", flush=True)
    os.read(0, 1)
    return tasks


asyncio.run(main())
