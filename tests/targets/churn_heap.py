# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes and drops objects as fast as it can, cycles among them, so that the collector runs all the time."""
import collections


class Node:
    def __init__(self, other):
        self.other = other
        self.items = [self, {}]


print("ready", flush=True)
kept = collections.deque(maxlen=5000)
while True:
    kept.append(Node(len(kept)))
