# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real Home Assistant under Memory, through the service: it answers HTTP throughout, its event loop is watched from inside, and the
integration that leaks is named. Usage: test-home-assistant.py SOURCE-DIR BUILD-DIR. Prints TAP."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(sys.argv[1], "tests", "lib"))
sys.dont_write_bytecode = True

import home_assistant  # pylint: disable=wrong-import-position

SECONDS = 10
READINGS = 100  # a second, all kept: tests/targets/ha-memory/custom_components/leaky_meter


def count_readings(hpy):
    """New readings themselves by the table of types: guppy writes "index count % size % cumulative % kind"."""
    return int(re.search(r"^\.r: (\d+) \d+ custom_components\.leaky_meter\.Reading$", hpy, re.MULTILINE).group(1))


def profile(source, build, pid, folder):
    """Return the job's summary and the rows of the .hpy."""
    said = home_assistant.call(source, build, "memory", "--seconds", str(SECONDS), "--target", str(pid), "--output-dir", folder)
    names = os.listdir(folder)
    with open(os.path.join(folder, next(name for name in names if name.endswith(".hpy"))), encoding="utf-8") as file:
        hpy = file.read()
    assert any(name.endswith(".html") for name in names), names
    return json.loads(said)["summary"], hpy


def main(source, build):
    """The test itself."""

    def check(pid, config, folder):
        summary, hpy = home_assistant.watch(pid, config, lambda: profile(source, build, pid, folder))
        print(f"# copying {summary['pause_us'] / 1000:.1f} ms; {summary['all_objects']} objects")
        for line in summary["verdict"].split("\n"):
            print("# " + line)
        leaky = next(row for row in summary["integrations"] if row["name"] == "leaky_meter")
        assert leaky["kind"] == "custom", leaky
        seconds = summary["seconds"]
        assert 0.9 <= count_readings(hpy) / seconds / READINGS <= 1.1, (hpy, seconds)
        # Each has a number and a text, and a number for a key: all are new, but those that came to lie where one of its kind lay before,
        # which cannot be told from it.
        assert READINGS <= leaky["new_objects"] / seconds <= 4.4 * READINGS, (leaky, seconds)
        assert "leaky_meter: " in summary["verdict"], summary["verdict"]
        assert "custom_components.leaky_meter.METERS['kitchen'].readings (dict)" in summary["verdict"], summary["verdict"]
        assert " custom_components.leaky_meter.Reading" in hpy, hpy

    return home_assistant.run("/memory/home-assistant", source, check)


sys.exit(main(*sys.argv[1:]))
