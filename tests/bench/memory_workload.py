# SPDX-License-Identifier: LGPL-2.1-or-later
"""An asyncio program with many objects that watches its own event loop: for each line on stdin it prints the longest gap that
the loop had since the last one, in milliseconds, and what is resident of it, in KiB. A line "guppy FILE" has it profile itself,
as Home Assistant's profiler does, and "objgraph DIRECTORY" lists growth by the objgraph there: then it prints the seconds that took.
"walk" prints the seconds of a plain walk through the collector's objects, and how many there are."""

import asyncio
import gc
import resource
import sys
import time

OBJECTS = int(sys.argv[1])


class Entity:
    """One of many."""

    def __init__(self, number):
        self.number = number + 1000
        self.name = f"sensor.number_{number}"
        self.attributes = {"unit": "W", "values": [float(number), (number, str(number))]}


def read_resident():
    """Return what is resident of this process, and the most that ever was, in KiB."""
    with open("/proc/self/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["VmRSS"].split()[0]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class Watch:
    """The event loop's gaps."""

    def __init__(self):
        self.longest = 0

    async def run(self):
        """Wake up each millisecond."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, time.monotonic() - before - 0.001)


async def profile_by_guppy(path):
    """Do what homeassistant/components/profiler does."""
    from guppy import hpy  # pylint: disable=import-outside-toplevel

    def write(heap):
        heap.byrcs.dump(path)

    heapy = hpy()
    heapy.setref()
    await asyncio.sleep(1)
    heap = heapy.heap()
    await asyncio.get_running_loop().run_in_executor(None, write, heap)


def walk():
    """Look at each object's type, size and references; return how many there are."""
    types = {}
    size = n_references = 0
    objects = gc.get_objects()
    for value in objects:
        types[type(value)] = types.get(type(value), 0) + 1
        size += sys.getsizeof(value)
        n_references += len(gc.get_referents(value))
    return len(objects)


async def main():
    """Serve stdin."""
    watch = Watch()
    loop = asyncio.get_running_loop()
    task = loop.create_task(watch.run())
    entities = {f"sensor.{number}": Entity(number) for number in range(OBJECTS // 8)}
    print("ready", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.startswith("guppy"):
            started = time.monotonic()
            await profile_by_guppy(line.split()[1])
            print(time.monotonic() - started, flush=True)
        elif line.startswith("objgraph"):
            sys.path.append(line.split()[1])
            started = time.monotonic()
            import objgraph  # pylint: disable=import-outside-toplevel

            objgraph.growth(limit=1000)
            print(time.monotonic() - started, flush=True)
        elif line.startswith("walk"):
            started = time.monotonic()
            n_objects = walk()
            print(time.monotonic() - started, n_objects, flush=True)
        else:
            await asyncio.sleep(0.01)  # it has to notice
            print(watch.longest * 1000, *read_resident(), flush=True)
            watch.longest = 0
    task.cancel()
    return entities


asyncio.run(main())
