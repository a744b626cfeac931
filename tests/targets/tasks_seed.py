# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tasks and timers of Home Assistant's documentation of its profiler, by their files, names and lines; and some more."""

import asyncio
import sys
import time
import types

HASS = "/usr/src/homeassistant/homeassistant/"


def load(name, path, line, source):
    """Makes a module of which the first line is that line of its file."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    module.asyncio = asyncio
    exec(compile("\n" * (line - 1) + source, path, "exec"), module.__dict__)
    return module


core = load("homeassistant.core", HASS + "core.py", 1, '''
import enum

class HassJobType(enum.Enum):
    Coroutinefunction = 1

class HassJob:
    __slots__ = ("target", "job_type")

    def __init__(self, target):
        self.target = target
        self.job_type = HassJobType.Coroutinefunction

    def __repr__(self):
        return f"<Job {self.job_type} {self.target}>"
''')  # fmt: skip
event = load("homeassistant.helpers.event", HASS + "helpers/event.py", 1174, '''def async_track_point_in_utc_time(loop, job, delay):
    def run_action(job):
        pass
    return loop.call_later(delay, run_action, job)
''')  # fmt: skip
coordinator = load("homeassistant.helpers.update_coordinator", HASS + "helpers/update_coordinator.py", 1, '''
class DataUpdateCoordinator:
    async def _handle_refresh_interval(self):
        await asyncio.Event().wait()
''')  # fmt: skip
screenlogic = load("homeassistant.components.screenlogic", HASS + "components/screenlogic/__init__.py", 1, '''
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

class ScreenlogicDataUpdateCoordinator(DataUpdateCoordinator):
    def __init__(self):
        pass
''')  # fmt: skip
harmony = load(
    "aioharmony.hubconnector_websocket", "/usr/local/lib/python3.12/site-packages/aioharmony/hubconnector_websocket.py", 360,
    '''class HubConnector:
    async def _listener(self, future):
        await future
''')  # fmt: skip
custom = load("custom_components.slow_sensor.sensor", "/config/custom_components/slow_sensor/sensor.py", 1, '''
async def async_poll():
    await asyncio.sleep(3000)
''')  # fmt: skip


async def wait(task):
    await task


async def main():
    loop = asyncio.get_running_loop()
    one = screenlogic.ScreenlogicDataUpdateCoordinator()
    keep = [
        asyncio.create_task(harmony.HubConnector()._listener(loop.create_future()), name="Task-1133"),
        asyncio.create_task(one._handle_refresh_interval(), name="refresh"),
        asyncio.create_task(custom.async_poll(), name="custom"),
        event.async_track_point_in_utc_time(loop, core.HassJob(one._handle_refresh_interval), 5000),
    ]
    keep.append(asyncio.create_task(wait(keep[2]), name="waits for another"))
    for _ in range(3):
        await asyncio.sleep(0)
    print("ready", flush=True)
    time.sleep(100000)


asyncio.run(main())
