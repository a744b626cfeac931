# SPDX-License-Identifier: LGPL-2.1-or-later
"""The history, which a thread of its own writes, to memory."""

import queue
import sqlite3
import threading


class Recorder(threading.Thread):
    """Writes what the event loop hands over."""

    def __init__(self, hass):
        super().__init__(name="Recorder", daemon=True)
        self.queue = queue.Queue(1000)
        hass.listeners.append(self.record)

    def record(self, entity_id, value):
        """Hand over; when there is too much, the history has a gap."""
        if not self.queue.full():
            self.queue.put((entity_id, str(value)))

    def run(self):
        """Write, and keep the last of it."""
        database = sqlite3.connect(":memory:")
        database.execute("CREATE TABLE states (id INTEGER PRIMARY KEY, entity TEXT, value TEXT)")
        while True:
            database.execute("INSERT INTO states (entity, value) VALUES (?, ?)", self.queue.get())
            database.execute("DELETE FROM states WHERE id < (SELECT max(id) FROM states) - 1000")
            database.commit()


def setup(hass):
    """Set the integration up."""
    Recorder(hass).start()
    return []
