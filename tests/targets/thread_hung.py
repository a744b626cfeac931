# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hangs, as its argument says, in the code of integrations (by their paths): for what is said of a program that cannot answer.

gil: stuck_sensor calls C code on the event loop that holds the GIL and never returns. spin: stuck_sensor loops on the event loop.
inside-gil, inside-spin: the same in a function, of a coroutine that Home Assistant's core awaits.
deadlock: sun and zone wait for each other's lock, and the event loop for sun's thread.
"""

import asyncio
import ctypes
import sys
import threading

SITE = "/opt/ha/lib/python3/site-packages/homeassistant/"
first, second = threading.Lock(), threading.Lock()
both = threading.Barrier(2)

STUCK = "/config/custom_components/stuck_sensor/sensor.py"
CORE = SITE + "core.py"
RUN = "async def run():\n    await async_update()\n"
UPDATE = "async def async_update():\n    return read_meter()\n\n"
SOURCES = {
    "gil": {STUCK: "async def async_update():\n    hang()\n"},
    "spin": {STUCK: "async def async_update():\n    tell()\n    while True:\n        pass\n"},
    "inside-gil": {CORE: RUN, STUCK: UPDATE + "def read_meter():\n    hang()\n"},
    "inside-spin": {CORE: RUN, STUCK: UPDATE + "def read_meter():\n    tell()\n    while True:\n        pass\n"},
    "deadlock": {
        SITE + "components/sun/__init__.py": "def follow():\n    with first:\n        both.wait()\n        with second:\n            pass\n",
        SITE + "components/zone/__init__.py": "def enter():\n    with second:\n        both.wait()\n        with first:\n            pass\n",
        STUCK: "async def async_update():\n    tell()\n    thread.join()\n",
    },
}


def tell():
    print("ready", flush=True)


def hang():
    tell()
    ctypes.PyDLL(None).sleep(100000)  # unlike CDLL, keeps the GIL


def count():
    number = 0
    while True:
        number += 1


names = {"first": first, "second": second, "both": both, "hang": hang, "tell": tell}
for path, source in SOURCES[sys.argv[1]].items():
    exec(compile(source, path, "exec"), names)
if sys.argv[1] == "deadlock":
    threading.Thread(target=names["follow"], name="Sun", daemon=True).start()
    names["thread"] = threading.Thread(target=names["enter"], name="Zone", daemon=True)
    names["thread"].start()
else:
    threading.Thread(target=count, name="Counter", daemon=True).start()
asyncio.run(names.get("run", names["async_update"])())
