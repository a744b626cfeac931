# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real Home Assistant for a test, with a configuration of tests/targets. That of ha-memory watches its event loop from inside;
watch() adds an HTTP client that watches it from outside. Prints TAP."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

# A machine that is too busy says so; a test's machine may be.
TRIES = 5
BUSY = ("the machine is too busy", "the machine too busy", "could not be held still", "could not be copied", "There was no time to copy")


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


def call(source, build, *arguments):
    """Return what ha-profiler prints, as JSON."""
    for _ in range(TRIES):
        done = subprocess.run(
            [os.path.join(source, "scripts", "sandbox"), "ha-profiler", "--json", *arguments],
            env=dict(os.environ, HAP_BUILD=build), capture_output=True, text=True, check=False, timeout=300)
        if done.returncode == 0 or not any(word in done.stderr for word in BUSY):
            break
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def watch(pid, config, function):
    """Return what the function returns, and print how Home Assistant did meanwhile."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        port = next(entry[9:].decode() for entry in file.read().split(b"\0") if entry.startswith(b"HAP_PORT="))
    wait_for_lag(config, 5)
    poll = Poll(port)
    try:
        wait_for_lag(config, 10)
        started = time.monotonic()
        result = function()
        ended = time.monotonic()
        wait_for_lag(config, len(read_lag(config)) + 2)
    finally:
        poll.over = True
        poll.join()
    lag = read_lag(config)
    before = max(gap for when, gap in lag if when < started)
    during = max(gap for when, gap in lag if started <= when <= ended + 1)
    print(f"# {poll.answers} answers, the slowest {poll.slowest * 1000:.0f} ms; the loop's longest gap {before:.1f} ms before, "
          f"{during:.1f} ms during {ended - started:.1f} s")
    assert not poll.failures, poll.failures
    assert poll.answers > 0
    return result


def run(name, source, check, settings="", target="ha-memory"):
    """Run check(pid, config, folder), a test of this name, on the Home Assistant of this target with further settings."""
    print("TAP version 13\n1..1", flush=True)
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
        shutil.copytree(os.path.join(source, "tests", "targets", target), config)
        with open(os.path.join(config, "configuration.yaml"), "a", encoding="utf-8") as file:
            file.write(settings)
        out = os.path.join(folder, "out")
        os.mkdir(out)
        runner = subprocess.Popen([script, "run", config], stdout=subprocess.PIPE, text=True)
        try:
            ready = runner.stdout.readline().split()
            assert ready[:1] == ["ready"], ready
            check(int(ready[1]), config, out)
            print(f"ok 1 - {name}")
            return 0
        except Exception as error:  # pylint: disable=broad-except
            print(f"{type(error).__name__}: {error}"[-3000:], file=sys.stderr)
            print(f"not ok 1 - {name}")
            return 1
        finally:
            runner.terminate()
            runner.wait()
