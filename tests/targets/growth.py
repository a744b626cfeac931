# SPDX-License-Identifier: LGPL-2.1-or-later
"""Grows as it is told: for each line on its stdin it makes and drops some objects, collects, says what has grown since the
line before, as objgraph.growth() has it, and waits. With an argument, a directory that has objgraph, it is objgraph that
says so; the first line then is "objgraph", else "definition"."""
import gc
import os
import sys
import types

sys.path[:0] = sys.argv[1:]
try:
    from objgraph import growth
except ImportError:
    def growth(limit=10, peak_stats={}):
        gc.collect()
        values = gc.get_objects()
        stats = {}
        for value in values:
            name = type(value).__name__
            stats[name] = stats.get(name, 0) + 1
        del values
        grown = {}
        for name, count in stats.items():
            if count > peak_stats.get(name, 0):
                grown[name] = count - peak_stats.get(name, 0)
                peak_stats[name] = count
        rows = sorted(grown.items(), key=lambda item: item[1], reverse=True)[:limit]
        return [(name, stats[name], delta) for name, delta in rows]


class Grows:
    def __init__(self, n):
        self.items = [n]


class Shrinks(Grows):
    pass


class Twin:
    pass


FirstTwin = Twin


class Twin:  # noqa: another class of that name: both count as one
    pass


# Names that Python does not print as they are.
Odd = [type(name, (), {}) for name in ("it's", 'it\'s "odd"', 'a "name"', "two\nlines\t\\", "gr\u00f6\u00dfer\u2028\xa0\x7f\U0001f600\U000e0001")]

kept, dropped = [], [Shrinks(i) for i in range(50)]
gc.collect()
gc.disable()
repr(growth(1000, {}))   # whatever that makes for the first time is there now
peaks = {}
os.write(1, b"ready\n" + (b"objgraph" if "objgraph" in sys.modules else b"definition") + b"\n")
# Until 3.11 a comprehension in growth() has a cell of its own, which is gone when growth() returns: another takes its place.
make_spare = types.CellType if sys.version_info < (3, 12) else type(None)
spare = make_spare()
step = 0
while os.read(0, 100):
    step += 1
    spare = None
    if step > 1:
        kept += [Grows(i) for i in range(10 * step)] + [FirstTwin(), Twin()] + [make() for make in Odd]
        kept.append({step: kept[-1]})
        del dropped[:20]
    text = repr(growth(1000, peaks))
    spare = make_spare()
    os.write(1, text.encode() + b"\n")
    del text
