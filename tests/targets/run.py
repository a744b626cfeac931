# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has an event loop in the state that its first argument names; answers a line by what code run in it could leave behind."""
import asyncio
import gc
import os
import signal
import socket
import sys
import threading
import time


def go_on(number, frame):
    raise InterruptedError


def spin():
    number = 0
    while True:
        number = (number + 1) % 1000000


noticed = []
descriptors = []
incoming = []


async def wait_for_children():
    while True:
        await asyncio.sleep(0.001)
        try:
            noticed.append(os.waitpid(-1, os.WNOHANG))
        except ChildProcessError:
            pass


# Of being forked, by all that could tell; whatever arrives in its descriptors; and what is printed of warnings.
def notice():
    for moment in ("before", "after_in_parent", "after_in_child"):
        os.register_at_fork(**{moment: lambda moment=moment: noticed.append(moment)})
    signal.signal(signal.SIGCHLD, lambda number, frame: noticed.append("SIGCHLD"))
    reading, writing = os.pipe()
    mine, other = socket.socketpair()
    file, errors = os.memfd_create("file"), os.memfd_create("errors")
    mine.setblocking(False)
    os.set_blocking(reading, False)
    os.dup2(errors, 2)
    incoming.extend([reading, mine.detach(), file, errors])
    descriptors.extend([writing, other.detach(), file, errors])


def count_arrived(number):
    size = os.fstat(number).st_size
    try:
        return size + len(os.read(number, 100))
    except BlockingIOError:
        return size


def describe():
    gc.collect()
    main = sorted(name for name in vars(sys.modules["__main__"]) if not name.startswith("_"))
    files = [name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]
    threads = len(os.listdir("/proc/self/task"))
    return f"{len(sys.modules)} modules, {threads} threads, {len(files)} files, {sys.getswitchinterval()} s, {main}, {noticed}, {[*map(count_arrived, incoming)]}"


def blocks():
    gc.collect()
    return sys.getallocatedblocks()


def fork():
    try:
        if os.fork() == 0:
            os._exit(0)
    except DeprecationWarning as warning:
        noticed.append(warning)


def answer(loop):
    line = sys.stdin.readline().strip()
    if not line:
        loop.stop()
    print({"state": describe, "blocks": blocks, "fork": fork}[line](), flush=True)


async def tick():
    while True:
        await asyncio.sleep(0.01)


async def work():
    while True:
        sum(range(1000))
        await asyncio.sleep(0)


def receive():
    mine, other = socket.socketpair()
    mine.recv(1)
    os._exit(1)


# Until a signal comes.
WAITS = {"sleep": lambda: time.sleep(1000), "lock": lambda: threading.Event().wait(), "recv": receive}


def main(mode):
    if mode == "replaced":
        import builtins
        import json
        builtins.open = json.dumps = json.loads = None
    if mode in WAITS:
        signal.signal(signal.SIGUSR1, go_on)
        try:
            print("ready", flush=True)
            WAITS[mode]()
        except InterruptedError:
            pass
    loop = asyncio.new_event_loop()
    loop.add_reader(0, answer, loop)
    kept = []
    if mode == "timers":
        kept.append(loop.create_task(tick()))
    if mode == "busy":
        kept.append(loop.create_task(work()))
    if mode == "notices":
        notice()
        kept.append(loop.create_task(wait_for_children()))
        threading.Thread(target=receive, daemon=True).start()
    if mode == "threads":
        for function in (spin, spin, spin, receive):
            threading.Thread(target=function, daemon=True).start()
    loop.call_soon(print, "ready")
    loop.call_soon(sys.stdout.flush)
    loop.run_forever()


main(sys.argv[1])
