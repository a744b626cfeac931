# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file names of a Home Assistant, and one integration that is at fault, in one file: for attribution, on every version.

Integrations by their paths: homeassistant.components.sun (light work, through a library), homeassistant.components.recorder (a
thread called "Recorder" that sleeps and works a little), custom_components.slow_sensor (most of the time of the event loop, half
of it in the standard library). A line on stdin is answered by a line of JSON, the seconds of CPU time that each took since the last.
"""

import asyncio
import json
import sys
import threading
import time

SITE = "/opt/ha/lib/python3/site-packages/"
SOURCES = {
    SITE + "homeassistant/core.py": '''
async def async_run_job(job):
    """Run what an integration asked for."""
    await job()
''',
    SITE + "astral/sun.py": '''
def elevation(n):
    """Compute."""
    for i in range(20000):
        n = (n * 31 + i) & 0xFFFF
    return n
''',
    SITE + "homeassistant/components/sun/__init__.py": '''
async def async_update_sun():
    """Work lightly."""
    with spend("sun"):
        elevation(1)
''',
    "/config/custom_components/slow_sensor/sensor.py": '''
def parse(payload):
    """Work hard, half of it in the standard library."""
    until = time.thread_time() + 0.010
    while time.thread_time() < until:
        for i in range(2000):
            payload["check"] = (payload["check"] * 31 + i) & 0xFFFF
    while time.thread_time() < until + 0.010:
        json.dumps(payload, indent=1)

async def async_poll_telegram():
    """Block the event loop."""
    with spend("slow_sensor"):
        parse({"check": 1, "values": list(range(200))})
''',
    SITE + "homeassistant/components/recorder/core.py": '''
def run_recorder():
    """Write."""
    while True:
        with spend("recorder"):
            sum(i * i for i in range(2000))
        time.sleep(0.005)
''',
}

spent = {"sun": 0.0, "slow_sensor": 0.0, "recorder": 0.0}


class spend:
    """Adds up the time of one integration."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.started = time.thread_time()

    def __exit__(self, *_):
        spent[self.name] += time.thread_time() - self.started


async def main():
    """Start, and answer."""
    names = {"json": json, "time": time, "spend": spend}
    for path, source in SOURCES.items():
        exec(compile(source, path, "exec"), names)
    threading.Thread(target=names["run_recorder"], name="Recorder", daemon=True).start()
    loop = asyncio.get_running_loop()
    last = dict(spent)

    def answer():
        if not sys.stdin.readline():
            loop.remove_reader(sys.stdin)
            return
        print(json.dumps({name: spent[name] - last[name] for name in spent}), flush=True)
        last.update(spent)

    loop.add_reader(sys.stdin, answer)
    print("ready", flush=True)
    while True:
        await names["async_run_job"](names["async_update_sun"])
        await names["async_run_job"](names["async_poll_telegram"])
        await asyncio.sleep(0.005)


asyncio.run(main())
