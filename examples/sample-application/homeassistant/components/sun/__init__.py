# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the sun is: a little arithmetic, often."""

import functools
import math
import time


async def async_update(hass):
    """Compute the elevation."""
    hour = time.time() / 3600 % 24
    elevation = sum(math.sin(hour / 24 * 2 * math.pi + step / 500) for step in range(500))
    hass.async_set_state("sun.sun", "above_horizon" if elevation > 0 else "below_horizon")


def setup(hass):
    """Set the integration up."""
    return [hass.async_track_interval(functools.partial(async_update, hass), 0.02, "sun")]
