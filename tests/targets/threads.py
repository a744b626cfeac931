# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keeps as many sleeping threads as its argument says, and prints the numbers that the kernel gave them, its own first."""
import sys
import threading

count = int(sys.argv[1])
started = threading.Barrier(count + 1)
numbers = [threading.get_native_id()]


def wait():
    numbers.append(threading.get_native_id())
    started.wait()
    threading.Event().wait()


for index in range(count):
    threading.Thread(target=wait, daemon=True).start()
started.wait()
print("ready")
print(*numbers, flush=True)
sys.stdin.read()
