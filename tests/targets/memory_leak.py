# SPDX-License-Identifier: LGPL-2.1-or-later
"""Something like Home Assistant with two integrations, one of which leaks when it is told to: a line on stdin.

memory_leak.py python: objects, in a module's dict behind two holders. memory_leak.py native: memory that C code took.
memory_leak.py dropped: nothing; many small objects are made and dropped again."""
import os
import sys
import types

LEAKY = """
class Entry:
    def __init__(self, number):
        self.number = number
        self.text = "entry %d " % number * 10

class Holder:
    def __init__(self):
        self.items = {}

STORE = {"held": Holder()}

def leak(n):
    items = STORE["held"].items
    for i in range(n):
        items[len(items) + 1000000] = Entry(i)
"""

HONEST = """
CACHE = ["state %d" % i for i in range(1000)]

def work(n):
    global CACHE
    CACHE = ["state %d" % i for i in range(1000)]
"""


def load(name, source):
    module = types.ModuleType(name)
    module.__file__ = "/config/" + name.replace(".", "/") + "/__init__.py"
    sys.modules[name] = module
    exec(compile(source, module.__file__, "exec"), module.__dict__)
    return module


def leak_native(n):
    import ctypes
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    for size in [100 * 1024 * 1024 * n // 20000] + [100] * 1000:
        libc.memset(libc.malloc(size), 1, size)


def make_and_drop(n):
    items = [float(i) for i in range(n * 100)]
    items[:-1] = [None] * (len(items) - 1)
    KEPT.append(items)


KEPT = []
leaky = load("custom_components.leaky", LEAKY)
honest = load("homeassistant.components.honest", HONEST)
grow = {"python": leaky.leak, "native": leak_native, "dropped": make_and_drop}[sys.argv[1]]
if grow is leak_native:
    leak_native(1)
leaky.leak(10)
os.write(1, b"ready\n")
while os.read(0, 1):
    honest.work(1)
    grow(20000)
    os.write(1, b"grown\n")
