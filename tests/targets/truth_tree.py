# SPDX-License-Identifier: LGPL-2.1-or-later
"""A call tree whose only possible stacks are known: each function calls one of its two children, and nobody else calls them.

truth_tree.py WORK: rounds of a loop in each call: 0 makes the functions all but empty, 40 gives some microseconds a call.
Prints "ready", an "edge CALLER CALLEE" for each possible pair, "done", and then calls for ever.
"""

import sys

DEPTH = 7
edges = []


def source(name, work):
    body = "    for _ in range(%d):\n        n = (n * 5 + 1) & 0xFFFF\n" % work if work else ""
    children = [name + "0", name + "1"] if len(name) < DEPTH else []
    for child in children:
        edges.append((name, child))
    if children:
        body += "    n = (n * 1103515245 + 12345) & 0x7FFFFFFF\n"
        body += "    if n & 64:\n        return %s(n)\n    return %s(n)\n" % tuple(children)
    else:
        body += "    return (n * 1103515245 + 12345) & 0x7FFFFFFF\n"
    text = "def %s(n):\n%s" % (name, body)
    return text + "".join(source(child, work) for child in children)


work = int(sys.argv[1])
exec(compile(source("t", work), __file__, "exec"))
edges.append(("<module>", "t"))
print("ready")
print(*("edge %s %s" % edge for edge in edges), "done", sep="\n", flush=True)
n = 1
while True:
    n = t(n)  # noqa: F821
