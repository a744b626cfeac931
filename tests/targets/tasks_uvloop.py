# SPDX-License-Identifier: LGPL-2.1-or-later
"""A loop that looks like uvloop's: a class of that name, with none of asyncio's attributes."""

import asyncio
import sys
import time
import types

module = types.ModuleType("uvloop")
exec("class Loop:\n    pass", {"__name__": "uvloop"}, module.__dict__)
sys.modules["uvloop"] = module
loop = module.Loop()
asyncio._set_running_loop(loop)
print("ready", flush=True)
time.sleep(100000)
