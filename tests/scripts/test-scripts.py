# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scripts: what others rely on. Run by meson, with HAP_BUILD set; speaks TAP."""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(TOP, "scripts")
SUPPORTED = range(11, 16)
tests = []


class Skip(Exception):
    """The reason why a test cannot run here."""


def test(path):
    """Register a test."""

    def register(function):
        tests.append((path, function))
        return function

    return register


def run(name, *arguments, **options):
    """Run a script to its end."""
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, **options}
    return subprocess.run([os.path.join(SCRIPTS, name), *arguments], check=False, **options)


def list_interpreters(**environment):
    """Return the fields of every line."""
    done = run("interpreters", env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


@test("/scripts/interpreters/form")
def check_form():
    """Three fields, an interpreter that is there, each once, oldest first."""
    lines = list_interpreters()
    for version, path, root in lines:
        assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?t?d?", version), version
        assert os.access(root + path, os.X_OK), path
        assert root == "" or os.path.isdir(root), root
    assert len({(path, root) for _, path, root in lines}) == len(lines)
    keys = [[int(n) for n in re.findall(r"\d+", version)[:3]] for version, _, _ in lines]
    assert keys == sorted(keys), keys


@test("/scripts/interpreters/extra")
def check_extra():
    """What HAP_PYTHONS names is listed when it is Python, and under no second name."""
    with tempfile.TemporaryDirectory() as directory:
        wrapper, link, other = (os.path.join(directory, name) for name in ("wrapper", "link", "other"))
        with open(wrapper, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        os.chmod(wrapper, 0o755)
        os.symlink(wrapper, link)
        shutil.copy("/bin/true", other)
        paths = [path for _, path, _ in list_interpreters(HAP_PYTHONS=f"{wrapper}:{link}:{other}:/nonexistent")]
    assert [path for path in paths if path.startswith(directory)] == [wrapper], paths


def check_version(minor):
    """Name the version that tests go without."""
    if not any(version.startswith(f"3.{minor}.") for version, _, _ in list_interpreters()):
        hint = "scripts/interpreters --fetch gets one" if minor >= 13 else "name one in HAP_PYTHONS"
        raise Skip(f"no Python 3.{minor} at hand; {hint}")


for supported in SUPPORTED:
    test(f"/scripts/interpreters/python-3.{supported}")(lambda minor=supported: check_version(minor))


def count(*programs):
    """Return the status and the lines of count-tests for (name, result, returncode, output) each."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        for name, result, returncode, output in programs:
            print(json.dumps({"name": name, "result": result, "returncode": returncode, "stdout": output}), file=log)
        log.flush()
        done = run("count-tests", log.name)
    return done.returncode, done.stdout.splitlines()


@test("/scripts/count-tests/cases")
def check_cases():
    """Cases are counted one by one, and skips named with their reasons."""
    tap = "# seed\nok 1 /a # SKIP no bus\n# Start of b tests\nok 2 /b\nok 3 /c\n1..3\n"
    status, lines = count(("x", "OK", 0, tap), ("y", "OK", 0, None), ("z", "SKIP", 77, "no display\n"))
    assert status == 0
    assert lines == ["skipped: x: /a (no bus)", "skipped: z (no display)", "3 passed, 0 failed, 2 skipped"], lines


@test("/scripts/count-tests/failure")
def check_failure():
    """A case that fails is counted once."""
    status, lines = count(("x", "FAIL", 1, "1..2\nok 1 /a\nnot ok 2 /b - because\n"))
    assert status == 1
    assert lines == ["failed: x: /b - because", "1 passed, 1 failed, 0 skipped"], lines


@test("/scripts/count-tests/crash")
def check_crash():
    """A program that ends before its plan is a failure, whatever passed before and however meson calls it."""
    for result, returncode, how in (
        ("ERROR", -signal.SIGSEGV, "killed by SIGSEGV"),
        ("TIMEOUT", -signal.SIGTERM, "timed out"),
        ("OK", 0, "ended with status 0"),
    ):
        status, lines = count(("x", result, returncode, "1..3\nok 1 /a\n"))
        assert status == 1
        assert lines == [f"failed: x ({how} before all its cases had run)", "1 passed, 1 failed, 0 skipped"], lines
    status, lines = count(("x", "ERROR", -signal.SIGABRT, "ok 1 /a\n1..1\n"))
    assert lines == ["failed: x (killed by SIGABRT)", "1 passed, 1 failed, 0 skipped"], lines
    status, lines = count(("x", "ERROR", 3, "ok 1 /a\n1..1\n"))
    assert lines == ["failed: x (ended with status 3)", "1 passed, 1 failed, 0 skipped"], lines
    status, lines = count(("x", "ERROR", -signal.SIGKILL, ""))
    assert lines == ["failed: x (killed by SIGKILL)", "0 passed, 1 failed, 0 skipped"], lines


@test("/scripts/count-tests/nothing")
def check_nothing():
    """Without a test that passed there is no success."""
    assert count() == (1, ["0 passed, 0 failed, 0 skipped"])


def find_leftovers(directory):
    """Return what a sandbox left in its directory for temporary files, and who still speaks of that."""
    left = os.listdir(directory)
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                command = file.read()
        except OSError:
            continue
        if os.fsencode(directory) in command and path != f"/proc/{os.getpid()}/cmdline":
            left.append(command)
    return left


@test("/scripts/sandbox/status")
def check_status():
    """The status and the input of the command pass through, the service answers, and nothing is left."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "TMPDIR": directory}
        ask = "busctl get-property org.homeassistant.Profiler /org/homeassistant/Profiler org.homeassistant.Profiler.Manager Version"
        done = run("sandbox", "sh", "-c", f"{ask}; cat; exit 42", stdin=None, input="through", env=environment)
        assert done.returncode == 42, done
        assert re.fullmatch(r's "[^"]+"\nthrough', done.stdout), done
        assert find_leftovers(directory) == []


@test("/scripts/sandbox/terminated")
def check_terminated():
    """A sandbox that is told to end takes its command along, and all else."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "TMPDIR": directory}
        with subprocess.Popen(
            [os.path.join(SCRIPTS, "sandbox"), "sh", "-c", "echo started; exec sleep 1000"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as sandbox:
            assert sandbox.stdout.readline() == "started\n"
            sandbox.terminate()
            assert sandbox.stdout.read() == ""
        assert sandbox.returncode == 128 + signal.SIGTERM, sandbox.returncode
        assert find_leftovers(directory) == []


@test("/scripts/sandbox/usage")
def check_usage():
    """What is not the command's status is 125."""
    assert run("sandbox").returncode == 125


@test("/scripts/home-assistant/runs")
def check_home_assistant():
    """The real Home Assistant starts, and ends when it is told to."""
    if run("home-assistant", "find").returncode != 0:
        raise Skip("no Home Assistant at hand; scripts/home-assistant installs it")
    with subprocess.Popen(
        [os.path.join(SCRIPTS, "home-assistant"), "run"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        word, pid = process.stdout.readline().split()
        assert word == "ready"
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            assert b"homeassistant" in file.read()
        process.terminate()
        assert process.stdout.read() == ""
    assert not os.path.exists(f"/proc/{pid}")


@test("/scripts/shellcheck")
def check_shell():
    """The checker of shell scripts finds nothing."""
    if not shutil.which("shellcheck"):
        raise Skip("no shellcheck")
    scripts = [path for path in glob.glob(os.path.join(SCRIPTS, "*")) + [os.path.join(TOP, ".ci", "run")] if is_shell(path)]
    assert len(scripts) > 5, scripts
    done = subprocess.run(["shellcheck", *scripts], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def is_shell(path):
    """Tell by the first line."""
    with open(path, encoding="utf-8") as file:
        return re.match(r"#!/bin/(ba)?sh\b", file.readline()) is not None


def main():
    """Run all."""
    print(f"1..{len(tests)}", flush=True)
    failed = False
    for number, (path, function) in enumerate(tests, 1):
        try:
            function()
        except Skip as reason:
            print(f"ok {number} {path} # SKIP {reason}", flush=True)
        except Exception:  # whatever it is, it fails the one test
            failed = True
            print(f"not ok {number} {path}", *traceback.format_exc().splitlines(), sep="\n# ", flush=True)
        else:
            print(f"ok {number} {path}", flush=True)
    return 1 if failed else 0


sys.exit(main())
