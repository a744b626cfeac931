# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real Home Assistant under DumpLogObjects, through the service: 200,000 objects say what they say, while it answers HTTP and its event
loop is watched from inside. Usage: test-home-assistant.py SOURCE-DIR BUILD-DIR. Prints TAP."""

import json
import os
import sys

sys.path.insert(0, os.path.join(sys.argv[1], "tests", "lib"))
sys.dont_write_bytecode = True

import home_assistant  # pylint: disable=wrong-import-position

OBJECTS = 200000
LIMIT = 100


def main(source, build):
    """The test itself."""

    def check(pid, config, folder):
        entries = json.loads(home_assistant.watch(pid, config, lambda: home_assistant.call(
            source, build, "dump-log-objects", "--type", "Reading", "--limit", str(LIMIT), "--target", str(pid))))
        assert len(entries) == LIMIT + 1, len(entries)
        assert entries[0]["message"].startswith("Reading object in memory: <Reading "), entries[0]
        assert entries[0]["integration"] == "leaky_meter", entries[0]
        last = entries[-1]
        print("# " + last["message"])
        assert last["objects"] >= OBJECTS and last["missing"] == 0 and last["failed"] == 0, last

    return home_assistant.run("/objects/home-assistant", source, check, f"  readings: {OBJECTS}\n")


sys.exit(main(*sys.argv[1:]))
