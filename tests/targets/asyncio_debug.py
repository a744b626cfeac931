# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two event loops, in two threads; in the first an integration blocks now and then. Answers each line by the state of debug modes."""
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


def answer():
    sys.stdin.readline()
    print([loop.get_debug() for loop in loops], logging.getLogger().level, len(logging.getLogger("asyncio").handlers), flush=True)


loops[0].set_debug("debug" in sys.argv)
threading.Thread(target=loops[1].run_forever, daemon=True).start()
loops[0].add_reader(0, answer)
task = loops[0].create_task(namespace["refresh"]())
loops[1].call_soon_threadsafe(print, "ready")
loops[1].call_soon_threadsafe(sys.stdout.flush)
loops[0].run_forever()
