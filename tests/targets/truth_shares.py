# SPDX-License-Identifier: LGPL-2.1-or-later
"""Spends known shares of its time in call-heavy and in straight code; says them when it gets SIGUSR1: "shares CALLS STRAIGHT STALLED"
(seconds so far). Stalled is what went in parts that took a hundred times as long as they should."""

import os
import signal
import time

STALL = 0.05

spent = {"calls": 0.0, "straight": 0.0, "stalled": 0.0}


def report(signum, frame):
    # Not by print(), which cannot be entered while it is under way.
    os.write(1, b"shares %r %r %r\n" % (spent["calls"], spent["straight"], spent["stalled"]))


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
    spent["stalled"] += now - last if now - last > STALL else 0
    straight()
    last = clock()
    spent["straight"] += last - now
    spent["stalled"] += last - now if last - now > STALL else 0
