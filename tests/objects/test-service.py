# SPDX-License-Identifier: LGPL-2.1-or-later
"""The two kinds of object logging through the service: there is one at a time on a process, and what the integration would say is said.
Usage: test-service.py SOURCE-DIR BUILD-DIR. Prints TAP."""

import os
import subprocess
import sys

TARGET = "import sys; print('ready', flush=True); sys.stdin.readline()"

# Answers, one a line. All ends with the sandbox.
CALLS = """
call () {
  gdbus call --system --dest org.homeassistant.Profiler --object-path /org/homeassistant/Profiler \
    --method "org.homeassistant.Profiler.$1" "{'target': <uint32 $pid>}" 2>&1
}
pid=$0
for method; do call "$method"; done
"""

ERROR = "Error: GDBus.Error:org.homeassistant.Profiler.Error."
NOT_RUNNING = ERROR + "NotRunning: Object logging not running"
ALREADY_STARTED = ERROR + "AlreadyStarted: Object logging already started"
STARTED = "(objectpath '/org/homeassistant/Profiler/jobs/"

KINDS = ("LogObjects", "LogObjectSources")


def check(source, build, first, other):
    """Begin with the one kind of logging."""
    calls = [("Stop" + first, NOT_RUNNING), ("Stop" + other, NOT_RUNNING), ("Start" + first, STARTED),
             ("Start" + first, ALREADY_STARTED), ("Start" + other, ALREADY_STARTED)]
    with subprocess.Popen([sys.executable, "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as target:
        assert target.stdout.readline() == "ready\n"
        done = subprocess.run([os.path.join(source, "scripts", "sandbox"), "sh", "-c", CALLS, str(target.pid), *[method for method, _ in calls]],
                              env=dict(os.environ, HAP_BUILD=build, LC_ALL="C"), capture_output=True, text=True, check=False, timeout=120)
        target.communicate("\n", timeout=60)
    said = [line for line in done.stdout.splitlines() if line]
    assert len(said) == len(calls), done.stdout + done.stderr
    for (method, expected), line in zip(calls, said):
        assert line == expected or expected == STARTED and line.startswith(expected), f"{method}: {line}"


def main(source, build):
    """Each kind first."""
    print("TAP version 13\n1..2", flush=True)
    failed = 0
    for number, (first, other) in enumerate((KINDS, KINDS[::-1]), 1):
        name = f"{number} - /objects/service/{first}"
        if os.geteuid() != 0:
            print(f"ok {name} # SKIP needs root")
            continue
        try:
            check(source, build, first, other)
            print(f"ok {name}", flush=True)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            failed += 1
            print(f"not ok {name}\n# " + str(error)[-3000:].replace("\n", "\n# "), flush=True)
    return failed != 0


sys.exit(main(*sys.argv[1:]))
