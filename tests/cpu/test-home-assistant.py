# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real Home Assistant under Start, through the service: the integration that blocks its event loop is named, with the share of the time
that it says itself, in the job's summary as in the .cprof. Usage: test-home-assistant.py SOURCE-DIR BUILD-DIR. Prints TAP."""

import json
import math
import os
import pstats
import sys
import time

sys.path.insert(0, os.path.join(sys.argv[1], "tests", "lib"))
sys.dont_write_bytecode = True

import home_assistant  # pylint: disable=wrong-import-position

SECONDS = 8
# More than by default: what chance adds is to be small, also where a busy machine does not let us keep it.
RATE = 200
TOLERANCE = 0.05
SHARE, BLOCKED = 0.3, 0.06  # tests/targets/ha-config: of the time, and seconds at once
STALL = 0.05  # more than that at once, and the machine stood still: nobody can have seen that


def read_truth(config, started, ended):
    """Return the share of the time in which the integration says that it blocked the loop, and that in which the machine stood still."""
    with open(os.path.join(config, "blocked"), encoding="ascii") as file:
        times = [tuple(map(float, line.split())) for line in file if line.endswith("\n")]
    parts = [max(0, min(last, ended) - max(first, started)) for first, last in times]
    stalled = sum(part - BLOCKED for part in parts if part > BLOCKED + STALL)
    return sum(parts) / (ended - started), stalled / (ended - started)


def read_cprof(folder):
    """Return the time below the integration's function, by the .cprof."""
    name = next(name for name in os.listdir(folder) if name.endswith(".cprof"))
    stats = pstats.Stats(os.path.join(folder, name)).stats
    return next(values[3] for (_, _, function), values in stats.items() if function == "parse_telegram")


def main(source, build):
    """The test itself."""

    def check(pid, config, folder):
        started = time.monotonic()
        summary = json.loads(home_assistant.call(
            source, build, "start", "--seconds", str(SECONDS), "--rate", str(RATE), "--target", str(pid), "--output-dir", folder))["summary"]
        truth, stalled = read_truth(config, started, time.monotonic())
        slow = next(row for row in summary["integrations"] if row["name"] == "slow_sensor")
        share = slow["running"] / summary["seconds"]
        cprof = read_cprof(folder) / summary["seconds"]
        # A pace that was not kept leaves more to chance.
        error = 3 * math.sqrt(SHARE * (1 - SHARE) / (summary["rate"] * summary["seconds"]))
        tolerance = max(TOLERANCE, 0.02 + error) + stalled
        print(f"# blocked {truth:.1%} of the time; the summary says {share:.1%}, the .cprof {cprof:.1%}, with {summary['rate']:.0f} observations a "
              f"second; the machine stood still for {stalled:.1%}")
        assert slow == max(summary["integrations"], key=lambda row: row["running"]), summary["integrations"]
        assert slow["kind"] == "custom", slow
        assert abs(share - truth) < tolerance and abs(cprof - truth) < tolerance, (truth, share, cprof, tolerance)

    return home_assistant.run("/cpu/home-assistant", source, check, target="ha-config")


sys.exit(main(*sys.argv[1:]))
