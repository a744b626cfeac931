# SPDX-License-Identifier: LGPL-2.1-or-later
"""Says what it is, as Python itself sees it, then stays as it is: for comparing with what is read from outside.

Prints "ready", then lines of fields separated by tabs, then "end". Threads are parked in all kinds of frames, each by one expression
whose line stays the same while it waits. Everything whose address is told is kept alive.
"""

import ast
import asyncio
import collections
import dataclasses
import email.message
import inspect
import json
import pickle
import sys
import textwrap
import threading
import time
import types

DEPTH = 9000

gate = threading.Lock()
gate.acquire()
parked = threading.Semaphore(0)
kept = []


def tell(*fields):
    print(*fields, sep="\t")


def wait_here():
    return parked.release() or gate.acquire()


class Waiting:
    def __init__(self):
        self.done = wait_here()

    def __lt__(self, other):
        return wait_here()


def waiting_generator():
    yield 1
    yield from (wait_here() for _ in range(1))


async def waiting_coroutine():
    async def inner():
        return wait_here()

    await inner()


async def waiting_async_generator():
    async def numbers():
        yield 1
        yield wait_here()

    async for _ in numbers():
        pass


def drive(coroutine):
    coroutine.send(None)


def recurse(depth):
    return wait_here() if depth == 0 else recurse(depth - 1)


def with_cells(a, b, c):
    def inner():
        return (a, b, c, wait_here())

    return inner()


def big_frame():
    names = {}
    source = "def big():\n" + "".join(f"    v{i} = {i}\n" for i in range(3000)) + "    return wait_here()\n"
    exec(compile(source, "<made>", "exec"), {"wait_here": wait_here}, names)
    return names["big"]()


WAYS = {
    "plain": wait_here,
    "nested": lambda: with_cells(1, 2, 3),
    "generator": lambda: list(waiting_generator()),
    "coroutine": lambda: drive(waiting_coroutine()),
    "async generator": lambda: drive(waiting_async_generator()),
    "init": Waiting,
    "sorted": lambda: sorted([object.__new__(Waiting), object.__new__(Waiting)]),
    "key": lambda: sorted([1], key=lambda _: wait_here()),
    "comprehension": lambda: [wait_here() for _ in range(1)],
    "class body": lambda: type("Made", (), {"x": property(lambda self: wait_here())})().x,
    "event loop": lambda: asyncio.run(waiting_coroutine()),
    "big frame": big_frame,
    "recursion": lambda: recurse(DEPTH),
    "n\u00e4me \u4f60\u597d \U0001f40d": wait_here,
}


def wait_for_rest():
    """Who was let go of may still be on its way out of the semaphore."""
    while True:
        frames = sys._current_frames()
        del frames[threading.get_ident()]
        if all(frame.f_code is wait_here.__code__ for frame in frames.values()):
            return
        time.sleep(0)


def describe_threads():
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if thread is threading.current_thread():
            continue
        tell("thread", thread.ident, thread.native_id, int(thread is threading.main_thread()), thread.name)
        frame = frames[thread.ident]
        while frame is not None:
            code = frame.f_code
            tell("frame", frame.f_lineno, code.co_name, code.co_qualname, code.co_filename)
            frame = frame.f_back


def codes_of(module):
    source = inspect.getsource(module)
    todo = [compile(source, module.__file__, "exec")]
    while todo:
        code = todo.pop()
        yield code
        todo += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]


def describe_codes():
    for module in (ast, collections, dataclasses, email.message, inspect, json, pickle, textwrap, threading):
        for code in codes_of(module):
            kept.append(code)
            ranges = " ".join(f"{start}:{end}:{-1 if line is None else line}" for start, end, line in code.co_lines())
            tell("code", id(code), code.co_firstlineno, len(code.co_code) // 2, code.co_name, ranges)


def describe_strings():
    for text in ("", "a", "ascii only", "na\u00efve \u00ff", "\u4f60\u597d \u20ac", "\U0001f40d\U0001f600 x", "lone \udc80 \ud800", "nul \0 inside",
                 "x" * 5000, "\u00e9" * 700, "\u4f60" * 700, type("Text", (str,), {})("of a subclass")):
        expected = text if len(text) <= 1000 else text[:1000] + "\u2026"
        expected = "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in expected)
        kept.append(text)
        tell("str", id(text), expected.encode().hex())


def describe_numbers():
    for number in (0, 1, -1, 255, 2**30 - 1, 2**30, -(2**30), 2**60, 2**62 + 12345, 2**63 - 1, -(2**63), True):
        kept.append(number)
        tell("int", id(number), int(number))
    for number in (2**63, -(2**63) - 1, 2**64, 2**90, 10**30):
        kept.append(number)
        tell("long", id(number))
    for data in (b"", b"abc\0def", bytes(range(256)) * 5):
        kept.append(data)
        tell("bytes", id(data), data.hex())


class Plain:
    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)


class Slotted:
    __slots__ = ("number", "__dict__")


class Weak(Plain):
    __slots__ = ("slot",)


class Failure(Exception):
    pass


def describe_dict(dictionary):
    kept.append(dictionary)
    tell("dict", id(dictionary), len(dictionary))
    for key, value in list(dictionary.items())[:50]:
        if type(key) is str and key.isascii():
            tell("item", key, value)


def describe_dicts():
    describe_dict({})
    describe_dict({f"k{i}": i for i in range(5)})
    describe_dict({f"key{i}": i for i in range(1000)})
    describe_dict({**{f"k{i}": i for i in range(20)}, 7: 7, (1, 2): 8})
    describe_dict({f"name\u20ac{i}": i for i in range(3)} | {"ascii": 4})
    shrunk = {f"k{i}": i for i in range(300)}
    for i in range(0, 300, 2):
        del shrunk[f"k{i}"]
    describe_dict(shrunk)
    describe_dict(collections.OrderedDict(a=1, b=2))
    split = Plain(one=1, two=2)
    kept.append(split)
    describe_dict(split.__dict__)


def describe_attributes():
    instances = [Plain(one=1, two=2), Plain(two=22), Plain(**{f"a{i}": i for i in range(100)}), Slotted(), Weak(one=5), Failure()]
    late = Plain(one=1)
    late.__dict__["added"] = 9
    deleted = Plain(one=1, two=2, three=3)
    del deleted.two
    replaced = Plain(one=1)
    replaced.__dict__ = {"other": 3}
    instances += [late, deleted, replaced]
    instances[3].extra = 4
    instances[5].code = 6
    kept.extend(instances)
    for instance in instances:
        tell("object", id(instance), type(instance).__name__)
        for name in ("one", "two", "three", "a99", "extra", "added", "other", "code", "nothing"):
            tell("attribute", name, getattr(instance, name, ""))


def main():
    sys.setrecursionlimit(2 * DEPTH)
    for name, way in WAYS.items():
        threading.Thread(target=way, name=name, daemon=True).start()
    reporter = threading.Thread(target=report, name="reporter", daemon=True)
    reporter.start()
    wait_here()


def report():
    for _ in range(len(WAYS) + 1):
        parked.acquire()
    wait_for_rest()
    print("ready")
    describe_threads()
    describe_codes()
    describe_strings()
    describe_numbers()
    describe_dicts()
    describe_attributes()
    print("end", flush=True)
    gate.acquire()


sys.stdout.reconfigure(encoding="utf-8", errors="replace")
main()
