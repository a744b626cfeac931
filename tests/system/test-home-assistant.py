# SPDX-License-Identifier: LGPL-2.1-or-later
"""Threads, tasks, timers and sockets of a real Home Assistant, through the service, compared word for word with what Home Assistant
says of itself while its event loop stands still. Usage: test-home-assistant.py SOURCE-DIR BUILD-DIR. Prints TAP."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

# A machine that is too busy says so; a test's machine may be.
TRIES = 5
TESTS = ("threads", "tasks", "timers", "sockets", "integrations")


def wait_for(path):
    """Wait until Home Assistant has said it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        time.sleep(0.1)
    raise AssertionError("Home Assistant did not say what it sees")


def report(source, build, pid, command):
    """Return the entries of a report."""
    for _ in range(TRIES):
        done = subprocess.run([os.path.join(source, "scripts", "sandbox"), "ha-profiler", "--json", command, "--target", str(pid)],
                              env=dict(os.environ, HAP_BUILD=build), capture_output=True, text=True, check=False, timeout=120)
        if done.returncode == 0:
            return json.loads(done.stdout)
    raise AssertionError(done.stderr[-2000:])


def same(seen, said, more):
    """Compare two lists of lines, whichever way they are sorted; there are at least so many."""
    missing = list(said)
    surplus = [line for line in seen if not (line in missing and not missing.remove(line))]
    assert not missing and not surplus, "said alone: %s\nseen alone: %s" % ("\n".join(missing[:5]), "\n".join(surplus[:5]))
    assert len(said) >= more, len(said)
    print(f"# {len(said)} alike")


def compare_threads(entries, said):
    """Names, stacks and source lines."""
    # Python does not show those that have no frame.
    threads = [entry["message"] for entry in entries
               if entry["message"].startswith("Thread [") and not entry["message"].endswith("]: no Python frame")]
    same(threads, [f"Thread [{name}]: {stack}" for name, _, stack in said["threads"]], 3)
    native = {entry["native_id"] for entry in entries if "native_id" in entry}
    assert native >= {native_id for _, native_id, _ in said["threads"]}, native


def compare_lines(entries, prefix, said, more):
    """What begins so, without it."""
    same([entry["message"][len(prefix):] for entry in entries if entry["message"].startswith(prefix)], said, more)


def forget(line):
    """Of objects that print by code of their own or of C, only that they are there."""
    line = re.sub(r"datetime\.datetime\((?:[^()]|\([^()]*\))*\)", "<...>", line)
    return re.sub(r"<(?:entity [^<>]*|[\w.]+ object at 0x[0-9a-f]+)>", "<...>", line)


def compare_timers(entries, said):
    """Word for word; where classes have a __repr__ of their own, all around those."""
    seen = [entry["message"][len("Scheduled: "):] for entry in entries if entry["message"].startswith("Scheduled: ")]
    alike = [line for line in seen if line in said]
    print(f"# word for word: {len(alike)} of {len(said)}")
    same([forget(line) for line in seen], [forget(line) for line in said], 4)


def compare_integrations(tasks, timers, sockets):
    """What is the custom integration's is told to be: in each report."""
    for name, entries, number in (("tasks", tasks, 2), ("timers", timers, 2), ("sockets", sockets, 2)):
        found = [entry for entry in entries if entry.get("integration") == "still_life"]
        print(f"# {name}: {len(found)}; {entries[-1]['message']}")
        assert len(found) >= number, (name, found)


def check(source, build, pid, config):
    """Return what is wrong by test."""
    with open(os.path.join(config, "begin"), "wb"):
        said = wait_for(os.path.join(config, "said"))
    seen, wrong = {}, {}
    for name, command in (("threads", "log-thread-frames"), ("tasks", "log-current-tasks"),
                          ("timers", "log-event-loop-scheduled"), ("sockets", "dump-sockets")):
        started = time.monotonic()
        seen[name] = report(source, build, pid, command)
        print(f"# {command}: {time.monotonic() - started:.2f} s with the start of a service, {len(seen[name])} entries, "
              f"paused {seen[name][-1].get('pause_us', 0) / 1000:.1f} ms")
    comparisons = {
        "threads": lambda: compare_threads(seen["threads"], said),
        "tasks": lambda: compare_lines(seen["tasks"], "Task: ", said["tasks"], 4),
        "timers": lambda: compare_timers(seen["timers"], said["handles"]),
        "sockets": lambda: same([entry["message"] for entry in seen["sockets"] if "class" in entry], said["sockets"], 5),
        "integrations": lambda: compare_integrations(seen["tasks"], seen["timers"], seen["sockets"]),
    }
    for name in TESTS:
        try:
            comparisons[name]()
        except AssertionError as error:
            wrong[name] = str(error)
    return wrong


def run(source, build, folder):
    """Start Home Assistant, compare, let it go on and end it."""
    config = os.path.join(folder, "config")
    shutil.copytree(os.path.join(source, "tests", "targets", "ha-reports"), config)
    release = os.path.join(config, "release")
    os.mkfifo(release)
    with subprocess.Popen([os.path.join(source, "scripts", "home-assistant"), "run", config], stdout=subprocess.PIPE, text=True) as runner:
        try:
            ready = runner.stdout.readline().split()
            assert ready[:1] == ["ready"], ready
            return check(source, build, int(ready[1]), config)
        finally:
            with open(os.open(release, os.O_RDWR), "wb") as file:
                file.write(b"x")
            runner.terminate()


def main(source, build):
    print(f"TAP version 13\n1..{len(TESTS)}", flush=True)
    skip = None
    if os.geteuid() != 0:
        skip = "needs root"
    elif subprocess.run([os.path.join(source, "scripts", "home-assistant"), "find"], capture_output=True, check=False).returncode:
        skip = "no Home Assistant: scripts/home-assistant fetches it"
    wrong = {}
    if skip is None:
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            try:
                wrong = run(source, build, folder)
            except Exception as error:  # pylint: disable=broad-except
                wrong = dict.fromkeys(TESTS, f"{type(error).__name__}: {error}")
    for number, name in enumerate(TESTS, 1):
        line = f"ok {number} - /system/home-assistant/{name}" + (f" # SKIP {skip}" if skip else "")
        print("not " + line if name in wrong else line)
        if name in wrong:
            print(name + ": " + wrong[name][-3000:], file=sys.stderr)
    return bool(wrong)


sys.exit(main(*sys.argv[1:]))
