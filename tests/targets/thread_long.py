# SPDX-License-Identifier: LGPL-2.1-or-later
"""Parks its main thread 9,000 calls deep, in two functions by turns, so that nothing of the stack folds."""

import sys

DEPTH = 9000


def even(depth):
    if depth == 0:
        return print("ready", flush=True) or sys.stdin.read()
    return odd(depth - 1)


def odd(depth):
    return even(depth - 1)


sys.setrecursionlimit(2 * DEPTH)
even(DEPTH)
