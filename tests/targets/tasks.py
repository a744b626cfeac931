# SPDX-License-Identifier: LGPL-2.1-or-later
"""Event loops with all kinds of tasks and timers, which says what they are and then stands still.

After "ready" one line each: "task ADDRESS TEXT", "handle TEXT" and "soon TEXT" (of what is ready to run) as Python prints them with Home
Assistant's limits, "facts ADDRESS LOOP THREAD STATE QUALNAME NAME" of a task, "waits ADDRESS TEXT" of one that waits, "await ADDRESS LINE
QUALNAME FILE" for each coroutine of its chain, outermost first; "cancelled N"; then "done". Texts have no line breaks.
Arguments: "debug" turns asyncio's debug mode on.
"""

import asyncio
import asyncio.tasks
import collections
import dataclasses
import enum
import functools
import os
import reprlib
import sys
import threading
import time
import types
import typing

CORE = '''
import enum, functools

class HassJobType(enum.Enum):
    Coroutinefunction = 1
    Callback = 2

class HassJob:
    __slots__ = ("target", "name", "job_type")

    def __init__(self, target, name=None):
        self.target = target
        self.name = name
        self.job_type = HassJobType.Callback

    def __repr__(self):
        return f"<Job {self.name} {self.job_type} {self.target}>"
'''
core = types.ModuleType("homeassistant.core")
exec(compile(CORE, "/usr/src/homeassistant/homeassistant/core.py", "exec"), core.__dict__)
sys.modules["homeassistant.core"] = core


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Plain:
    def method(self, *args):
        pass

    async def work(self, event):
        await event.wait()


class Slotted:
    __slots__ = ("a",)


class Callable:
    def __call__(self, *args):
        pass


class Awaitable:
    def __init__(self, future):
        self.future = future

    def __await__(self):
        yield from self.future


class MyTask(asyncio.Task):
    pass


class MyFuture(asyncio.Future):
    pass


RESULTS = [
    None, True, 0, -1, 7**100, -(2**31), 2**62, 1.5, -0.0, 1e300, 1e-7, 123456789.123, 1e16, 1e22, 0.1, 5e-324, float("inf"),
    "text", "it's", 'say "hi"', "it's \"both\"", "tab\tnul\0bell\x07", "ümläut ☃ 😀 \u200b \ud800", "x" * 1000, "é" * 299, b"bytes\xff'",
    (), (1,), (1, 2), [], [1, [2, [3, [4, [5, [6, [7, [8]]]]]]]], list(range(100)), {}, {"b": 1, "a": 2}, {i: i for i in range(9)},
    {"k": {"n": {"m": [1, 2]}}}, set(), {3, 1, 2}, frozenset({1}), frozenset(), collections.deque([1, 2]), collections.deque([1], maxlen=3),
    Colour.RED, Number.ONE, Plain(), Slotted(), Plain, int, len, Plain().method, print, "".join, functools.partial(print, 1, sep="x"),
    Plain.method, ..., NotImplemented, asyncio.sleep, (lambda: 0), ["x" * 400], {"x" * 400: "y" * 400},
]  # fmt: skip


def on_done(*args):
    pass


@functools.wraps(on_done)
def wrapped(*args):
    pass


def wrapping(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@wrapping
def decorated(*args):
    pass


async def inner(awaited):
    return await awaited


async def middle(awaited):
    await asyncio.sleep(0)
    return await inner(awaited)


async def outer(awaited):
    return await middle(awaited)


async def deep(n, awaited):
    return await deep(n - 1, awaited) if n else await awaited


async def generate(awaited):
    yield 1
    await awaited
    yield 2


async def iterate(awaited):
    async for _ in generate(awaited):
        pass


@types.coroutine
def old(awaited):
    yield from awaited.__await__()


async def use_old(awaited):
    await old(awaited)


async def stubborn(awaited):
    while True:
        try:
            await asyncio.shield(awaited)
        except asyncio.CancelledError:
            pass


async def group(awaited):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(inner(awaited), name="in a group")
        tasks.create_task(outer(awaited))


async def with_timeout(awaited):
    async with asyncio.timeout(5000):
        await inner(awaited)


async def finish():
    pass


def add_callbacks(loop):
    for callbacks in (
        [on_done],
        [on_done, wrapped],
        [on_done, decorated, Plain().method],
        [functools.partial(on_done, 1, key="v")],
        [print, Callable(), lambda future: None, functools.partial(functools.partial(Plain().method, 1), 2)],
        [Plain],
    ):
        task = loop.create_task(inner(loop.create_future()))
        for callback in callbacks:
            task.add_done_callback(callback)
        keep.append(task)


def add_finished(loop):
    """Each task here was told that it may go on, and has not yet."""
    for i, future in enumerate(finished):
        future.set_result(RESULTS[i])
    failed[0].set_exception(ValueError("it's", 1))
    failed[1].set_exception(KeyError("key"))
    failed[2].set_exception(RuntimeError())
    failed[3].cancel()


def add_circles(loop):
    """What prints itself while it is printed."""
    future, circle = loop.create_future(), []
    circle.append(circle)
    future.add_done_callback(functools.partial(on_done, future))
    keep.append(loop.create_task(inner(future), name="waits for a circle"))
    keep.append(loop.call_later(2000, on_done, future, circle, {"circle": circle}))


def add_python_tasks(loop):
    future = asyncio.futures._PyFuture(loop=loop)
    tasks = [
        asyncio.tasks._PyTask(outer(future), loop=loop, name="of Python"),
        asyncio.tasks._PyTask(inner(loop.create_future()), loop=loop),
        asyncio.tasks._PyTask(stubborn(future), loop=loop),
    ]
    future.add_done_callback(on_done)
    keep.extend([future, *tasks])
    return tasks


def add_tasks(loop):
    make = lambda: loop.create_future()  # noqa: E731
    coroutines = [
        outer(make()), deep(300, make()), iterate(make()), use_old(make()), inner(Awaitable(make())), asyncio.sleep(3000),
        inner(asyncio.sleep(4000, "result")), asyncio.wait_for(inner(make()), 6000), group(make()), with_timeout(make()),
        asyncio.Event().wait(), asyncio.Queue().get(), Plain().work(asyncio.Event()), inner(MyFuture(loop=loop)),
    ]  # fmt: skip
    keep.extend(loop.create_task(coroutine) for coroutine in coroutines)
    for name in ("plain", "it's", 'say "hi"', "ü☃😀", "line\\n", 5, 2.5, "n" * 500):
        keep.append(asyncio.Task(inner(make()), loop=loop, name=name))
    keep.append(MyTask(inner(make()), loop=loop, name="mine"))
    keep.append(asyncio.gather(inner(make()), outer(make())))
    keep.append(loop.create_task(inner(keep[-1])))
    add_callbacks(loop)


@dataclasses.dataclass
class Track:
    """Called by a timer that it keeps, as Home Assistant's are."""

    name: str
    secret: int = dataclasses.field(default=3, repr=False)
    timer: object = None
    kind: typing.ClassVar[str] = "track"
    plain: int = dataclasses.field(init=False, default=7)

    def __call__(self):
        pass


@dataclasses.dataclass(slots=True)
class Slotted(Track):
    more: tuple = (1, "two")


def add_tracks(loop):
    for i, track in enumerate([Track("it's a track"), Slotted("slotted", more=(Track("inner"), None))]):
        track.timer = loop.call_later(3000 + i, track)
        keep.append(track)


def add_handles(loop):
    add_tracks(loop)
    job = core.HassJob(Plain().method, "a job")
    for i, (function, args) in enumerate(
        [
            (on_done, ()), (on_done, (1, "two", [3], Plain())), (wrapped, ("x" * 1000,)), (decorated, ({"b": 2, "a": 1},)), (Plain().method, (1,)),
            (functools.partial(on_done, 1, key="v"), ("x",)), (functools.partial(Plain().method, "x" * 400), ()), (lambda: None, ()), (Callable(), (Callable(),)),
            (print, ("x",)), ([].append, (1,)), (on_done, (job,)), (functools.partial(on_done, job), ()), (job.target, (core.HassJob(on_done),)),
            (on_done, ((1, (2, 3)), Colour.RED)), (Plain, (1.5,)), (functools.partial(functools.partial(on_done, 1), 2), (3,)),
        ]
    ):  # fmt: skip
        keep.append(loop.call_later(1000 + 100 / 7 * i, function, *args))
    for i in (3, 8):
        handle = loop.call_later(1000 + i, on_done, "cancelled")
        handle.cancel()
        keep.append(handle)


def walk(coroutine):
    """The chain as Python's own attributes have it."""
    while coroutine is not None:
        for prefix, awaits in (("cr", "cr_await"), ("gi", "gi_yieldfrom"), ("ag", "ag_await")):
            if hasattr(coroutine, prefix + "_frame"):
                frame, code = getattr(coroutine, prefix + "_frame"), getattr(coroutine, prefix + "_code")
                yield frame.f_lineno if frame else code.co_firstlineno, coroutine.__qualname__, code.co_filename
                coroutine = getattr(coroutine, awaits)
                break
        else:
            # What wraps a coroutine does not say which: the collector knows.
            if type(coroutine).__name__ not in ("coroutine_wrapper", "async_generator_asend", "async_generator_athrow"):
                return
            inner_ones = [o for o in __import__("gc").get_referents(coroutine) if hasattr(o, "cr_frame") or hasattr(o, "ag_frame")]
            coroutine = inner_ones[0]


def describe(loops):
    reprlib.aRepr.maxstring = reprlib.aRepr.maxother = 300
    lines = []
    native_ids = {thread.ident: thread.native_id for thread in threading.enumerate()}
    cancelled = 0
    for loop in reversed(loops):
        # 3.14: asyncio.all_tasks() knows nothing of tasks that Python code implements.
        for task in asyncio.all_tasks(loop) | getattr(asyncio.tasks, "_py_all_tasks", asyncio.all_tasks)(loop):
            coroutine = task.get_coro()
            lines.append("task %d %r" % (id(task), task))
            state = "cancelling" if task.cancelling() else "pending"
            facts = id(task), id(loop), native_ids[loop._thread_id], state, coroutine.__qualname__, task.get_name()
            lines.append("facts %d %d %d %s %s %s" % facts)
            if task._fut_waiter is not None:
                text = repr(task._fut_waiter)
                lines.append("waits %d %s" % (id(task), text if len(text) <= 300 else text[:297] + "..."))
            running = getattr(coroutine, "cr_running", False)
            chain = list(walk(coroutine))
            lines += ["await %d %d %s %s" % (id(task), *frame) for frame in chain[: 1 if running else 256]]
        lines += ["handle %r" % handle for handle in loop._scheduled if not handle.cancelled()]
        lines += ["soon %r" % handle for handle in loop._ready if not handle.cancelled()]
        cancelled += sum(handle.cancelled() for handle in [*loop._scheduled, *loop._ready])
    lines.append("cancelled %d" % cancelled)
    os.write(1, ("\n".join([*lines, "done"]) + "\n").encode("utf-8", "backslashreplace"))


def run_loop(ready, loops):
    async def main():
        loops.append(asyncio.get_running_loop())
        asyncio.get_running_loop().call_later(5000, on_done, "in a thread")
        keep.append(asyncio.get_running_loop().create_task(outer(asyncio.Event().wait()), name="in a thread"))
        for _ in range(5):
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(ready.set)
        await asyncio.Event().wait()

    asyncio.run(main())


def add_closed_loop():
    """A loop that was closed with a task that never ended."""
    loop = asyncio.new_event_loop()
    keep.append(loop.create_task(inner(loop.create_future()), name="of a closed loop"))
    loop.run_until_complete(asyncio.sleep(0))
    keep.append(loop.call_later(7000, on_done, "of a closed loop"))
    scheduled = list(loop._scheduled)
    loop.close()
    loop._scheduled.extend(scheduled)


keep, finished, failed = [], [], []


async def main(loops):
    loop = asyncio.get_running_loop()
    loop.set_debug("debug" in sys.argv)
    loops.append(loop)
    add_tasks(loop)
    python_tasks = add_python_tasks(loop)
    add_handles(loop)
    add_circles(loop)
    finished.extend(loop.create_future() for _ in RESULTS)
    failed.extend(loop.create_future() for _ in range(4))
    keep.extend(loop.create_task(inner(future), name="result %d" % i) for i, future in enumerate(finished))
    keep.extend(loop.create_task(inner(future), name="failure %d" % i) for i, future in enumerate(failed))
    cancelled = loop.create_task(stubborn(loop.create_future()), name="stubborn")
    for _ in range(5):
        await asyncio.sleep(0)
    cancelled.cancel()
    python_tasks[2].cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    keep.append(loop.create_task(outer(loop.create_future()), name="not begun"))
    keep.append(loop.create_task(finish(), name="over before it began"))
    keep[-1].get_coro().close()
    loop.call_soon(on_done, "soon")
    loop.call_soon(on_done, "never").cancel()
    add_finished(loop)
    print("ready", flush=True)
    describe(loops), time.sleep(100000)


loops, ready = [], threading.Event()
add_closed_loop()
threading.Thread(target=run_loop, args=(ready, loops), daemon=True).start()
ready.wait()
time.sleep(0.2)
asyncio.run(main(loops))
