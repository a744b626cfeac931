# SPDX-License-Identifier: LGPL-2.1-or-later
"""An integration that leaks: it keeps 100 readings a second for ever, in a dict of the module, behind two holders. And it watches
the event loop: the file "lag" gets a line each second: when, and the longest gap in that second, in milliseconds."""

import asyncio
from pathlib import Path
import time

DOMAIN = "leaky_meter"


class Reading:
    """One of too many."""

    def __init__(self, number):
        self.number = number + 1000
        self.text = f"reading {number} of a meter that never forgets"

    def __repr__(self):
        return f"<Reading {self.number}: {self.text}>"


class Meter:
    """Holds them."""

    def __init__(self):
        self.readings = {}


METERS = {"kitchen": Meter()}


async def leak():
    """Keep 100 readings a second by the clock, however busy the machine is."""
    readings = METERS["kitchen"].readings
    n, start = len(readings), time.monotonic()
    while True:
        while len(readings) - n < (time.monotonic() - start) * 100:
            readings[len(readings)] = Reading(len(readings))
        await asyncio.sleep(0.1)


async def watch(hass):
    """Say how long the loop stood still."""
    path = Path(hass.config.path("lag"))
    while True:
        longest, end = 0, time.monotonic() + 1
        while (before := time.monotonic()) < end:
            await asyncio.sleep(0.002)
            longest = max(longest, time.monotonic() - before - 0.002)
        line = f"{time.monotonic()} {longest * 1000}\n"
        await hass.async_add_executor_job(path.open("a").write, line)


async def async_setup(hass, config):
    """Set the integration up, with as many readings as are wanted."""
    readings = METERS["kitchen"].readings
    for number in range((config[DOMAIN] or {}).get("readings", 0)):
        readings[number] = Reading(number)

    async def start(event):
        hass.async_create_background_task(leak(), DOMAIN)
        hass.async_create_background_task(watch(hass), DOMAIN)

    hass.bus.async_listen_once("homeassistant_started", start)
    return True
