# SPDX-License-Identifier: LGPL-2.1-or-later
"""The weather: asks slow services in threads, and waits for them."""

import functools
import time

PLACES = 3


def fetch(place):
    """Stand for a request over the network."""
    time.sleep(0.2)
    return 15 + place + time.time() % 10


async def async_update(place, hass):
    """Fetch one place."""
    temperature = await hass.async_add_executor_job(fetch, place)
    hass.async_set_state(f"weather.place_{place}", temperature)


def setup(hass):
    """Set the integration up."""
    return [
        hass.async_track_interval(functools.partial(async_update, place, hass), 0.5, f"weather place {place}")
        for place in range(PLACES)
    ]
