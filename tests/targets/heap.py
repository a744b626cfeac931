# SPDX-License-Identifier: LGPL-2.1-or-later
"""A heap with a bit of everything. For each line on its stdin it says what itself thinks of it, one line an object:

    o ADDRESS TYPE SIZE TRACKED REFERENT...      (hexadecimal; SIZE and TRACKED decimal)
    t TYPE COUNT NAME                            (of gc.get_objects())

and then "done". What it does for that leaves nothing behind: no object is made, changed or freed between the last
line and the next wait."""
import array
import ast
import asyncio
import collections
import contextlib
import contextvars
import dataclasses
import enum
import functools
import gc
import inspect
import itertools
import os
import re
import sys
import threading
import types
import typing
import weakref
import xml.etree.ElementTree as ElementTree


class Plain:
    def __init__(self, n):
        self.n = n
        self.other = None

    def method(self):
        return self


class Slotted:
    __slots__ = ("a", "b", "__weakref__")

    def __init__(self, a, b=None):
        self.a = a
        self.b = b


class SlottedChild(Slotted):
    __slots__ = ("c",)


class SlottedWithDict(Slotted):
    pass


@dataclasses.dataclass
class Data:
    x: int
    y: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True, frozen=True)
class FrozenData:
    x: int
    y: str


class Colour(enum.Enum):
    RED = 1
    GREEN = [2]


class Flags(enum.IntFlag):
    A = 1
    B = 2


Point = collections.namedtuple("Point", "x y")


class Typed(typing.NamedTuple):
    name: str
    value: object


class MyInt(int):
    pass


class MyStr(str):
    pass


class MyList(list):
    pass


class MyTuple(tuple):
    pass


class MyDict(dict):
    pass


class MySet(set):
    pass


class MySlottedDict(dict):
    __slots__ = ("extra",)


class MyError(ValueError):
    def __init__(self, *args):
        super().__init__(*args)
        self.more = [1]


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    pass


class Property:
    @property
    def p(self):
        return 1

    @staticmethod
    def s():
        return 1

    @classmethod
    def c(cls):
        return 1

    @functools.cached_property
    def cached(self):
        return [1]


@functools.lru_cache(maxsize=8)
def cached(x, y=()):
    return [x, y]


def nested(n):
    def inner(m):
        def innermost():
            return n, m
        return innermost
    return inner


def generate(n):
    held = [n]
    for i in range(n):
        yield i, held


async def wait(n):
    held = {n: n}
    await Awaitable()
    return held


class Awaitable:
    def __await__(self):
        yield 1


async def agenerate(n):
    held = [n]
    yield held


def raise_deep(n):
    local = [n]
    if n:
        raise_deep(n - 1)
    raise MyError("deep", local)


def make():
    keep = []
    add = keep.append
    for i in range(200):
        p = Plain(i)
        p.other = keep[-1] if keep else None
        add(p)
    late = Plain(1)
    late.added = [1]                       # beyond the shared keys
    late.__dict__["through_dict"] = {}
    add(late)
    many = Plain(2)
    for i in range(50):
        setattr(many, f"attribute_{i}", [i])
    add(many)
    gone = Plain(3)
    del gone.n
    add(gone)
    add([vars(Plain(i)) for i in range(3)])
    materialised = Plain(4)
    vars(materialised)
    add(materialised)
    add([Slotted(1, [2]), Slotted(None), SlottedChild([1]), SlottedWithDict(1)])
    keep[-1][3].attribute = [1]
    keep[-1][2].c = "c"
    add([Data(1), Data(2, [3]), FrozenData(1, "y")])
    add([Colour.RED, Flags.A | Flags.B, Point(1, [2]), Typed("n", {})])
    add([MyInt(5), MyInt(2**100), MyStr("x"), MyStr("ü" * 50), MyList([1, [2]]), MyTuple((1, [2])), MyDict(a=[1]),
         MySet([1, 2])])
    keep[-1][0].attribute = [1]
    keep[-1][1].attribute = "b"
    keep[-1][3].attribute = [2]
    keep[-1][4].attribute = [3]
    keep[-1][5].attribute = [4]
    keep[-1][6].attribute = [5]
    slotted = MySlottedDict(a=1)
    slotted.extra = [1]
    add(slotted)
    add([1, -1, 0, 255, 2**15, 2**30, 2**60, -2**90, 10**100, 1.5, 1j, True, None, ..., "", "a", "ä", "€", "😀", b"",
         b"bytes", "x" * 1000, "ä" * 1000, bytearray(b"abc"), bytearray(1000), range(10), range(2**70),
         slice(1, [2], 3), memoryview(b"abc"), array.array("d", [1, 2, 3]), frozenset([1, 2, (3, 4)])])
    encoded = "encoded ä"
    encoded.encode("utf-8")
    add(encoded)
    add([[], [None] * 100, list(range(1000)), (), (1,), tuple(range(100))])
    add([{}, {"a": 1}, {1: [2], (3,): "4"}, {i: i for i in range(1000)}, dict.fromkeys("abcdefghijk")])
    emptied = {i: [i] for i in range(100)}
    for i in range(90):
        del emptied[i]
    add(emptied)
    mixed = {"a": [1]}
    mixed[2] = "b"
    add(mixed)
    add([set(), {1, 2}, set(range(100)), {(1, 2), "a"}, frozenset(range(50))])
    add(collections.OrderedDict((i, [i]) for i in range(20)))
    add(collections.OrderedDict())
    ordered = collections.OrderedDict(a=1, b=2)
    ordered.attribute = [1]
    ordered.move_to_end("a")
    add(ordered)
    add(collections.defaultdict(list, a=[1]))
    add(collections.Counter("abracadabra"))
    add(collections.ChainMap({}, {"a": 1}))
    add([collections.deque(), collections.deque([1, [2]]), collections.deque(range(300), 500)])
    rotated = collections.deque(range(64))
    rotated.rotate(5)
    add(rotated)
    add([nested(1), nested([1])("2"), nested([1])("2")(), lambda x=[1], *, k={}: x])
    add(functools.partial(nested, [1], key=2))
    add(functools.partialmethod(nested, 1))
    for i in range(12):
        cached(i)
        cached(i, y=(i,))
    started = generate(10)
    next(started)
    finished = generate(0)
    list(finished)
    add([generate(3), started, finished, (x for x in [1])])
    coroutine = wait(1)
    coroutine.send(None)
    add([coroutine, wait(2), agenerate(1)])
    try:
        raise_deep(5)
    except MyError as error:
        add(error)
        add(error.__traceback__)
    add([ValueError("x", [1]), KeyError(1), OSError(2, "no", "file"), ImportError("x", name="n", path="p"),
         StopIteration([1]), UnicodeDecodeError("ascii", b"x", 0, 1, "why")])
    add(ExceptionGroup("group", [ValueError(1), TypeError(2)]))
    add([weakref.ref(late), weakref.ref(late, print), weakref.proxy(late), weakref.WeakSet([late]),
         weakref.WeakValueDictionary(a=late), weakref.WeakMethod(late.method)])
    add([Property(), Property.__dict__["p"], Property.__dict__["s"], Property.__dict__["c"], Property().c, late.method,
         [].append, len, dict.__dict__["fromkeys"], str.join, "a".join, (1).__add__, types.FunctionType.__code__, Slotted.a,
         object().__str__])
    got = Property()
    got.cached
    add(got)
    add(WithMeta())
    add([types.SimpleNamespace(a=[1]), types.MappingProxyType({"a": 1}), types.ModuleType("made", "doc"), super(MyDict, MyDict())])
    add([list[int], dict[str, list], int | None, typing.Optional[typing.List[int]], typing.TypeVar("T")])
    add([iter([1]), iter((1,)), iter({1: 2}), iter({1}), iter("abc"), {}.keys(), {}.values(), {}.items(),
         enumerate([1]), zip([1], [2]), map(str, [1]), filter(None, [1]), reversed([1]), iter(int, 1),
         itertools.chain([1], [2]), itertools.count(), itertools.cycle([1]), itertools.islice([1], 1),
         itertools.product([1], [2]), itertools.groupby([1])])
    add([re.compile("a(b)"), re.compile("x").match("x"), ast.parse(inspect.getsource(make))])
    root = ElementTree.Element("root", {"a": "b"})
    for i in range(20):
        ElementTree.SubElement(root, f"child{i}").text = str(i)
    add(root)
    add(ElementTree.fromstring("<a x='1'>t<b/>tail</a>"))
    add([threading.Lock(), threading.RLock(), threading.local(), threading.Event(), threading.Condition()])
    add([contextvars.ContextVar("v", default=[1]), contextvars.copy_context()])
    add([os.stat("/"), sys.version_info, sys.flags, os.times(), sys.thread_info])
    add([open(os.devnull), open(os.devnull, "rb"), contextlib.ExitStack()])
    cycle = []
    cycle.append(cycle)
    add(cycle)
    add(compile("a = [1, 2, 'x']\ndef f(): return 3", "made", "exec"))
    return keep


KEEP = make()
ATOMS = [value for group in KEEP if type(group) is list for value in group if not gc.is_tracked(value)]


def describe(value):
    referents = " ".join([format(id(referent), "x") for referent in gc.get_referents(value)])
    return f"o {id(value):x} {id(type(value)):x} {sys.getsizeof(value)} {gc.is_tracked(value):d} {referents}\n"


def dump(fd):
    counts = {}
    values = gc.get_objects()
    for value in values:
        if value is values or value is counts:
            continue
        counts[type(value)] = counts.get(type(value), 0) + 1
        os.write(fd, describe(value).encode())
    for value in ATOMS:
        os.write(fd, describe(value).encode())
    for kind, count in counts.items():
        os.write(fd, f"t {id(kind):x} {count} {kind.__name__}\n".encode())


def main():
    null = os.open(os.devnull, os.O_WRONLY)
    gc.collect()
    gc.disable()
    dump(null)   # whatever this imports or makes for the first time is there now
    gc.collect()
    dump(null)
    os.write(1, b"ready\n")
    while os.read(0, 100):
        dump(1)
        os.write(1, b"done\n")


main()
