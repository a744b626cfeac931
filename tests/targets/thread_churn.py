# SPDX-License-Identifier: LGPL-2.1-or-later
"""Begins and ends threads all the time, each with one of two stacks: for what is read while nothing stays."""

import itertools
import threading


def even():
    even_inner()


def even_inner():
    sum(range(200))


def odd():
    odd_inner()


def odd_inner():
    sum(range(200))


print("ready", flush=True)
for number in itertools.count():
    threads = [threading.Thread(target=odd if number % 2 else even) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
