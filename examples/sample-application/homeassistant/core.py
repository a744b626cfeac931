# SPDX-License-Identifier: LGPL-2.1-or-later
"""The event loop, the states, and the pool of threads for work that blocks."""

import asyncio
from concurrent.futures import ThreadPoolExecutor


class HomeAssistant:
    """What integrations work with."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.states = {}
        self.listeners = []
        self.executor = ThreadPoolExecutor(max_workers=4, thread_name_prefix="SyncWorker")

    def async_set_state(self, entity_id, value):
        """Set a state and tell who listens."""
        self.states[entity_id] = value
        for listener in self.listeners:
            listener(entity_id, value)

    def async_add_executor_job(self, target, *args):
        """Run what would block in a thread."""
        return self.loop.run_in_executor(self.executor, target, *args)

    def async_track_interval(self, action, interval, name):
        """Run an action again and again."""

        async def run():
            while True:
                await action()
                await asyncio.sleep(interval)

        return self.loop.create_task(run(), name=name)
