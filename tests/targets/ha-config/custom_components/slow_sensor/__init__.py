# SPDX-License-Identifier: LGPL-2.1-or-later
"""An integration at fault: from the moment that Home Assistant has started, it blocks the event loop for a known share of the time, and
writes from when to when it did."""

import asyncio
from pathlib import Path
import time

DOMAIN = "slow_sensor"
SHARE = 0.3
PERIOD = 0.2


def parse_telegram(until):
    """Burn the CPU, as a parser in pure Python would."""
    checksum = 0
    while time.monotonic() < until:
        for byte in range(256):
            checksum = (checksum * 31 + byte) & 0xFFFF
    return checksum


async def poll(hass, blocked):
    """Block the loop for SHARE of every PERIOD."""
    while True:
        started = time.monotonic()
        hass.states.async_set("sensor.slow", parse_telegram(started + SHARE * PERIOD))
        blocked.write(f"{started} {time.monotonic()}\n")
        await asyncio.sleep(max(0, started + PERIOD - time.monotonic()))


async def async_setup(hass, config):
    """Set the integration up."""

    async def start(event):
        blocked = await hass.async_add_executor_job(lambda: open(hass.config.path("blocked"), "w", buffering=1, encoding="ascii"))
        hass.async_create_background_task(poll(hass, blocked), DOMAIN)
        await hass.async_add_executor_job(Path(hass.config.path("started")).touch)

    hass.bus.async_listen_once("homeassistant_started", start)
    return True
