# SPDX-License-Identifier: LGPL-2.1-or-later
"""Spends known shares of its time in call-heavy and in straight code; says them when it gets SIGUSR1: "shares CALLS STRAIGHT" (seconds so far)."""

import os
import signal
import time

spent = {"calls": 0.0, "straight": 0.0}


def report(signum, frame):
    # Not by print(), which cannot be entered while it is under way.
    os.write(1, b"shares %r %r\n" % (spent["calls"], spent["straight"]))


def empty(n):
    return n


def nest(n):
    return empty(n) + empty(n)


def calls():
    for n in range(1500):
        nest(n)


def straight():
    n = 1
    for _ in range(9000):
        n = (n * 5 + 1) & 0xFFFF


signal.signal(signal.SIGUSR1, report)
os.write(1, b"ready\n")
clock = time.perf_counter
last = clock()
while True:
    calls()
    now = clock()
    spent["calls"] += now - last
    straight()
    last = clock()
    spent["straight"] += last - now
