# SPDX-License-Identifier: LGPL-2.1-or-later
"""An integration that, once Home Assistant has started and there is a file "begin", writes what Python says of threads, tasks, timers
and sockets into the file "said", and then blocks the event loop until a byte comes through the FIFO "release": for comparing with what
is read from outside. It has a few of everything itself."""

import asyncio
from datetime import timedelta
import gc
import json
import os
import reprlib
import socket
import sys
import threading
import traceback

from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.helpers.event import async_call_later, async_track_time_interval

DOMAIN = "still_life"


class Painter:
    """Waits for what never comes."""

    def __init__(self, hass):
        self.event = asyncio.Event()
        self.lock = threading.Lock()
        self.lock.acquire()
        self.thread = threading.Thread(target=self.wait, name="still_life painter", daemon=True)
        self.thread.start()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.client = socket.create_connection(self.server.getsockname())
        self.closed = socket.socket()
        self.closed.close()
        self.unsub = [
            async_track_time_interval(hass, self.async_tick, timedelta(hours=1), name="still_life tick"),
            async_call_later(hass, 3000, self.async_tick),
        ]
        self.tasks = [
            hass.async_create_background_task(self.async_outer(), name="still_life outer"),
            hass.loop.create_task(asyncio.wait_for(self.event.wait(), 4000), name="still_life wait_for"),
        ]

    def wait(self):
        """Wait in a thread."""
        self.lock.acquire()

    async def async_tick(self, now=None):
        """Never called so soon."""

    async def async_outer(self):
        """Wait in a task, one await further in."""
        await self.async_inner()

    async def async_inner(self):
        """Wait."""
        await self.event.wait()


def rest():
    """Wait until all other threads stand where they stood at the last ten looks: some still finish what the start gave them."""
    looks = []
    pause = threading.Event()  # Home Assistant forbids time.sleep() here
    while len(looks) < 10 or any(look != looks[-1] for look in looks[-10:]):
        pause.wait(0.05)
        frames = sys._current_frames()
        frames.pop(threading.get_ident())
        looks.append({ident: [(frame.f_code, frame.f_lasti) for frame, _ in traceback.walk_stack(frame)] for ident, frame in frames.items()})


def describe(hass, frame):
    """Write what Python says; of this thread from the frame on."""
    rest()
    frames = {**sys._current_frames(), threading.get_ident(): frame}
    threads = {thread.ident: thread for thread in threading.enumerate()}
    reprlib.aRepr.maxstring = reprlib.aRepr.maxother = 300
    said = {
        "threads": [
            [threads[ident].name, threads[ident].native_id, "".join(traceback.format_stack(frame)).strip()]
            for ident, frame in frames.items()
            if ident in threads
        ],
        "tasks": [repr(task) for task in asyncio.all_tasks(hass.loop)],
        "handles": [repr(handle) for handle in hass.loop._scheduled if not handle.cancelled()],
        "sockets": [repr(thing) for thing in gc.get_objects() if isinstance(thing, socket.socket)],
    }
    path = hass.config.path("said")
    with open(path + ".new", "w", encoding="utf-8", errors="backslashreplace") as file:
        json.dump(said, file)
    os.rename(path + ".new", path)


async def still(hass, release):
    """Stand still: on one line, since the line is told."""
    while not os.path.exists(hass.config.path("begin")):
        await asyncio.sleep(0.2)
    describe(hass, sys._getframe()), os.read(release, 1)


async def async_setup(hass, config):
    """Set up the integration."""
    hass.data[DOMAIN] = Painter(hass)
    release = os.open(hass.config.path("release"), os.O_RDWR)

    async def started(event):
        hass.data[DOMAIN].still = hass.loop.create_task(still(hass, release), name="still_life still")

    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STARTED, started)
    return True
