# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes calls whose number is known, in an event loop, when a line on stdin asks for "work". "reference" has cProfile count the same work, and
answers what it wrote, as JSON. "threads": from now on other threads make calls, too; "later": one will begin with the next work.
"sleeper": one more thread, which does nothing. "burst": makes 20,000 calls of leaf; "burst-reference": as many as cProfile counts. "time": how many milliseconds many calls take, "time-reference": with
cProfile. "profile" has cProfile count from now on, "set-profile" a function. "state": what is left of counting."""
import asyncio
import cProfile
import functools
import json
import os
import signal
import sys
import threading
import time

later = False


def leaf(number):
    return abs(number)


def recurse(depth):
    return depth and recurse(depth - 1) + 1


def fail():
    raise KeyError(len("text"))


def count(n):
    for i in range(n):
        yield leaf(i)


class Thing:
    @property
    def value(self):
        return isinstance(self, Thing)

    @classmethod
    def make(cls):
        return cls()


async def step(n):
    await asyncio.sleep(0)
    return sum(count(n))


@functools.lru_cache
def cached(number):
    return number


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n != 0 and even(n - 1)


async def work():
    for i in range(1000):
        leaf(i)
    for _ in range(3):
        recurse(20)
    for _ in range(50):
        try:
            fail()
        except KeyError:
            pass
    for _ in range(30):
        await step(10)
    even(49)
    pair = (lambda: 1), (lambda: leaf(2))
    for function in pair:
        function()
    sorted(range(10), key=leaf)
    list(map(leaf, range(5)))
    cached.cache_clear()
    cached(1), cached(1), cached(2)
    Thing.make().value
    os.fspath("x")


# At least so long, by any clock.
def rest():
    time.sleep(0.02)


def spin():
    while True:
        leaf(1)
        recurse(5)


def start_thread():
    threading.Thread(target=spin, daemon=True).start()


async def refer():
    profiler = cProfile.Profile()
    profiler.enable()
    await work()
    profiler.disable()
    profiler.create_stats()
    return json.dumps([[*key, cc, nc, [[*caller, *counts[:2]] for caller, counts in callers.items()]]
                       for key, (cc, nc, tt, ct, callers) in profiler.stats.items()])


def burst():
    for i in range(20000):
        leaf(i)


def refer_to_burst():
    profiler = cProfile.Profile()
    profiler.enable()
    burst()
    profiler.disable()
    return str(sum(entry.callcount for entry in profiler.getstats() if entry.code is leaf.__code__))


async def measure():
    begin = time.perf_counter()
    burst()
    for _ in range(5):
        await work()
    return f"{(time.perf_counter() - begin) * 1e3:.3f}"


async def measure_reference():
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        return await measure()
    finally:
        profiler.disable()


def watch(frame, event, argument):
    pass


def get_state():
    tool = hasattr(sys, "monitoring") and sys.monitoring.get_tool(sys.monitoring.PROFILER_ID)
    handlers = [number for number in range(signal.SIGRTMIN, signal.SIGRTMAX + 1) if signal.getsignal(number)]
    files = [name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]
    profiled = bool(sys.getprofile() or tool)
    return f"{'on' if profiled else 'off'} {len(handlers)} {len(files)} {len(os.listdir('/proc/self/task'))} {'_lsprof' in sys.modules}"


async def answer(word):
    global later
    if word == "state":
        return get_state()
    if word == "reference":
        return await refer()
    if word == "burst-reference":
        return refer_to_burst()
    if word == "time":
        return await measure()
    if word == "time-reference":
        return await measure_reference()
    if word == "profile":
        cProfile.Profile().enable()
    elif word == "set-profile":
        sys.setprofile(watch)
    elif word == "burst":
        burst()
    elif word == "threads":
        start_thread()
        start_thread()
    elif word == "sleeper":
        threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
    elif word == "later":
        later = True
    else:
        if later:
            start_thread()
        await work()
        rest()
    return "done"


async def main():
    loop = asyncio.get_running_loop()
    lines = asyncio.Queue()

    def read():
        lines.put_nowait(sys.stdin.readline())

    loop.add_reader(0, read)
    print("ready", flush=True)
    while line := await lines.get():
        print(await answer(line.strip()), flush=True)


asyncio.run(main())
