# SPDX-License-Identifier: LGPL-2.1-or-later
"""Start: python3 -m homeassistant."""

import asyncio
import importlib
import os

from .core import HomeAssistant

INTEGRATIONS = (
    "homeassistant.components.recorder",
    "homeassistant.components.sun",
    "homeassistant.components.weather",
    "custom_components.smart_meter",
)


async def main():
    """Set the integrations up, and run."""
    hass = HomeAssistant()
    tasks = [task for name in INTEGRATIONS for task in importlib.import_module(name).setup(hass)]
    print("ready", os.getpid(), flush=True)
    await asyncio.gather(*tasks)


asyncio.run(main())
