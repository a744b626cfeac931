# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real Home Assistant under Memory, through the service: it answers HTTP throughout, its event loop is watched from inside, and the
integration that leaks is named. Usage: test-home-assistant.py SOURCE-DIR BUILD-DIR. Prints TAP."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SECONDS = 10

# A machine that is too busy says so; a test's machine may be.
TRIES = 5
BUSY = ("the machine is too busy", "could not be held still")


class Poll(threading.Thread):
    """An HTTP client that does not let go."""

    def __init__(self, port):
        super().__init__()
        self.address = f"http://127.0.0.1:{port}/manifest.json"
        self.answers, self.failures, self.slowest, self.over = 0, [], 0, False
        self.start()

    def run(self):
        while not self.over:
            started = time.monotonic()
            try:
                with urllib.request.urlopen(self.address, timeout=10) as answer:
                    answer.read()
                self.answers += 1
            except OSError as error:
                self.failures.append(repr(error))
            self.slowest = max(self.slowest, time.monotonic() - started)
            time.sleep(0.02)


def read_lag(folder):
    """Return the longest gap of each second so far, by when it was."""
    with open(os.path.join(folder, "lag"), encoding="ascii") as file:
        return [tuple(map(float, line.split())) for line in file if line.endswith("\n")]


def wait_for_lag(folder, lines):
    """Wait until Home Assistant has started, and watched its loop for so many seconds."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if len(read_lag(folder)) >= lines:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError("Home Assistant did not start")


def profile(source, build, pid, folder):
    """Return the job's summary and the rows of the .hpy."""
    for _ in range(TRIES):
        done = subprocess.run(
            [os.path.join(source, "scripts", "sandbox"), "ha-profiler", "--json", "memory", "--seconds", str(SECONDS),
             "--target", str(pid), "--output-dir", folder],
            env=dict(os.environ, HAP_BUILD=build), capture_output=True, text=True, check=False, timeout=300)
        if done.returncode == 0 or not any(word in done.stderr for word in BUSY):
            break
    assert done.returncode == 0, done.stdout + done.stderr
    names = os.listdir(folder)
    with open(os.path.join(folder, next(name for name in names if name.endswith(".hpy"))), encoding="utf-8") as file:
        hpy = file.read()
    assert any(name.endswith(".html") for name in names), names
    return json.loads(done.stdout)["summary"], hpy


def check(source, build, pid, config, folder):
    """The test itself."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        port = next(entry[9:].decode() for entry in file.read().split(b"\0") if entry.startswith(b"HAP_PORT="))
    wait_for_lag(config, 5)
    poll = Poll(port)
    try:
        wait_for_lag(config, 10)
        started = time.monotonic()
        summary, hpy = profile(source, build, pid, folder)
        ended = time.monotonic()
        wait_for_lag(config, len(read_lag(config)) + 2)
    finally:
        poll.over = True
        poll.join()
    lag = read_lag(config)
    before = max(gap for when, gap in lag if when < started)
    during = max(gap for when, gap in lag if started <= when <= ended + 1)
    print(f"# {poll.answers} answers, the slowest {poll.slowest * 1000:.0f} ms; the loop's longest gap {before:.1f} ms before, "
          f"{during:.1f} ms during; copying {summary['pause_us'] / 1000:.1f} ms; {summary['all_objects']} objects")
    for line in summary["verdict"].split("\n"):
        print("# " + line)
    assert not poll.failures, poll.failures
    assert poll.answers > SECONDS, poll.answers
    leaky = next(row for row in summary["integrations"] if row["name"] == "leaky_meter")
    assert leaky["kind"] == "custom", leaky
    # A reading, its number and its text, 100 a second, and the number that is its key.
    assert abs(leaky["new_objects"] / summary["seconds"] - 400) < 40, (leaky, summary["seconds"])
    assert "leaky_meter: " in summary["verdict"], summary["verdict"]
    assert "custom_components.leaky_meter.METERS['kitchen'].readings (dict)" in summary["verdict"], summary["verdict"]
    assert " custom_components.leaky_meter.Reading" in hpy, hpy


def main(source, build):
    print("TAP version 13\n1..1", flush=True)
    name = "/memory/home-assistant"
    script = os.path.join(source, "scripts", "home-assistant")
    if os.geteuid() != 0:
        print(f"ok 1 - {name} # SKIP needs root")
        return 0
    if subprocess.run([script, "find"], capture_output=True, check=False).returncode:
        print(f"ok 1 - {name} # SKIP no Home Assistant: scripts/home-assistant fetches it")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        config = os.path.join(folder, "config")
        shutil.copytree(os.path.join(source, "tests", "targets", "ha-memory"), config)
        out = os.path.join(folder, "out")
        os.mkdir(out)
        runner = subprocess.Popen([script, "run", config], stdout=subprocess.PIPE, text=True)
        try:
            ready = runner.stdout.readline().split()
            assert ready[:1] == ["ready"], ready
            check(source, build, int(ready[1]), config, out)
            print(f"ok 1 - {name}")
            return 0
        except Exception as error:  # pylint: disable=broad-except
            print(f"not ok 1 - {name}\n# {type(error).__name__}: " + str(error)[-3000:].replace("\n", "\n# "))
            return 1
        finally:
            runner.terminate()
            runner.wait()


sys.exit(main(*sys.argv[1:]))
