# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes objects of many kinds, and keeps them, when it is told to: a line on stdin. It says "grown" then.

memory.py guppy FILE: does the same under guppy, and has it write FILE."""
import os
import sys
import types


TWICE = ["".join(["what strings say is ", "nobody's business"]) for _ in range(20)]


class Foo:
    def __init__(self, i):
        self.a = [i + 1000]
        self.b = "x%d" % i
        self.c = {"k": float(i)}


class Late(Foo):
    """Its __dict__ was asked for."""
    def __init__(self, i):
        super().__init__(i)
        self.__dict__["d"] = i + 2000


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, i):
        self.a = (i + 5000, "t")
        self.b = bytes(100)


class Dict(dict):
    pass


class Attributed(list):
    pass


class Failed(Exception):
    pass


def generate(i):
    yield [i]
    yield


def grow(n):
    keep["foo"] = [Foo(i) for i in range(n)]
    keep["late"] = [Late(i) for i in range(n)]
    keep["slots"] = [Slots(i) for i in range(n)]
    keep["dict"] = [Dict(a=i * 1000) for i in range(1, n)]
    keep["attributed"] = [Attributed([object()]) for i in range(n)]
    for item in keep["attributed"]:
        item.name = bytearray(10)
    keep["nested"] = {i: {i: {str(i)}} for i in range(n)}
    keep["functions"] = [(lambda x, y=i + 100000: x + n) for i in range(n)]
    keep["bound"] = [Foo(i).__init__ for i in range(n)]
    keep["generators"] = [generate(i + 70000) for i in range(n)]
    for generator in keep["generators"]:
        next(generator)
    keep["classes"] = [type("Made%d" % i, (Foo,), {"x": [i]}) for i in range(5)]
    keep["modules"] = [types.ModuleType("made%d" % i) for i in range(5)]
    keep["errors"] = [Failed("no", [i]) for i in range(n)]
    keep["spaces"] = [types.SimpleNamespace(x=[i]) for i in range(n)]
    keep["frozen"] = [frozenset([str(i)]) for i in range(n)]
    keep["large"] = [list(range(10 ** 5, 10 ** 5 + 1000)), b"b" * 70000, "s" * 5000, 10 ** 400]
    keep["proxies"] = [types.MappingProxyType({}) for i in range(n)]
    keep["cycle"] = []
    keep["cycle"].append(keep["cycle"])
    garbage = [[Foo(i)] for i in range(n)]
    for item in garbage:
        item.append(item)


def warm_up():
    """What is made the first time only, shared keys and caches, is there before."""
    for n in (1, 1, 1, 40):
        grow(n)
    keep.clear()


def under_guppy(path):
    from guppy import hpy
    heapy = hpy()
    heapy.setref()
    heapy.heap().byrcs
    heapy.setref()
    grow(100)
    heapy.heap().byrcs.dump(path, "w")


def wait():
    os.write(1, b"ready\n")
    while os.read(0, 1):
        grow(100)
        os.write(1, b"grown\n")
        while os.read(0, 1) not in (b"\n", b""):
            pass


keep = {}
warm_up()
if sys.argv[1:2] == ["guppy"]:
    under_guppy(sys.argv[2])
else:
    import gc
    gc.disable()
    wait()
