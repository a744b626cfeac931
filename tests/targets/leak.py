# SPDX-License-Identifier: LGPL-2.1-or-later
"""An application that keeps making things and dropping them again, with an integration in it, leaky, that keeps what it makes in a
module-level dict, behind two holders. For each line on its stdin some of it happens; it answers "done"."""
import gc
import os
import sys
import types

CODE = """
class Reading:
    def __init__(self, value):
        self.value = value
        self.raw = [value]


class Store:
    def __init__(self):
        self.readings = {}


STORES = {"main": Store()}


def read(value):
    STORES["main"].readings[value] = Reading(value)
"""

for name in ("custom_components", "custom_components.leaky"):
    module = types.ModuleType(name)
    module.__file__ = f"/config/{name.replace('.', '/')}/__init__.py"
    sys.modules[name] = module
leaky = sys.modules["custom_components.leaky"]
exec(compile(CODE, leaky.__file__, "exec"), vars(leaky))


class Busy:
    pass


Odd = type("it's\nodd \u00e9\u2028", (), {})
odd = []


busy, n = [], 0
gc.disable()
os.write(1, b"ready\n")
while os.read(0, 100):
    busy = [Busy() for i in range(50)]
    odd += [Odd() for i in range(30)]
    for i in range(100):
        n += 1
        leaky.read(n)
    os.write(1, b"done\n")
