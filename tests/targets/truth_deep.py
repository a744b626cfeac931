# SPDX-License-Identifier: LGPL-2.1-or-later
"""Deep recursion in a ring of three functions, down to a leaf and up again, for ever."""

import sys

DEPTH = 900
edges = []

sys.setrecursionlimit(5000)


def first(n):
    return second(n - 1) if n else leaf(n)


def second(n):
    return third(n - 1) if n else leaf(n)


def third(n):
    return first(n - 1) if n else leaf(n)


def leaf(n):
    return n


edges += (("<module>", "first"), ("first", "second"), ("second", "third"), ("third", "first"))
edges += ((caller, "leaf") for caller in ("first", "second", "third"))
print("ready")
print(*("edge %s %s" % edge for edge in edges), "done", sep="\n", flush=True)
depth = 0
while True:
    depth = (depth + 37) % DEPTH
    first(depth)
