# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two event loops, in two threads; in the first an integration blocks now and then. Answers a line: "state": the state of debug modes; "start": runs a
third loop; "lock", "unlock": a thread has the lock of logging; "deaf": our handler has no room to tell anything; "dropped": whether it
had something to tell since."""
import asyncio
import logging
import sys
import threading
import time

SLOW = """
async def refresh():
    while True:
        time.sleep(0.12)
        await asyncio.sleep(0.01)
"""

loops = [asyncio.new_event_loop(), asyncio.new_event_loop()]
namespace = {"asyncio": asyncio, "time": time}
exec(compile(SLOW, "/config/custom_components/slow_sensor/__init__.py", "exec"), namespace)
root, logger = logging.getLogger(), logging.getLogger("asyncio")
locked, unlock = threading.Event(), threading.Event()


def start():
    loops.append(asyncio.new_event_loop())
    begun = threading.Event()
    loops[-1].call_soon(begun.set)
    threading.Thread(target=loops[-1].run_forever, daemon=True).start()
    begun.wait()


def keep_lock():
    with logging._lock:
        locked.set()
        unlock.wait()


def lock():
    threading.Thread(target=keep_lock, daemon=True).start()
    locked.wait()


def deafen():
    logger.handlers[0].emit.__globals__["emit"].__globals__.update(limit=0, room=0)


def get_state():
    return f"{[loop.get_debug() for loop in loops]} {root.level} {len(logger.handlers)}"


ACTIONS = {"state": get_state, "start": start, "lock": lock, "unlock": unlock.set, "deaf": deafen, "dropped": lambda: logger.handlers[0].dropped > 0}


def answer():
    print(ACTIONS[sys.stdin.readline().strip()](), flush=True)


loops[0].set_debug("debug" in sys.argv)
threading.Thread(target=loops[1].run_forever, daemon=True).start()
loops[0].add_reader(0, answer)
task = loops[0].create_task(namespace["refresh"]())
loops[1].call_soon_threadsafe(print, "ready")
loops[1].call_soon_threadsafe(sys.stdout.flush)
loops[0].run_forever()
