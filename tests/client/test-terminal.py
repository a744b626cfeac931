# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every command in a terminal of 80 columns (tmux): no line is wider, progress is redrawn in its place and leaves nothing; and in terminals
that are none.

Usage: unshare --pid --fork --mount-proc --kill-child scripts/sandbox python3 test-terminal.py SAMPLE. Speaks TAP.
SAMPLE: the directory of the sample application."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unicodedata

SAMPLE = sys.argv[1]
COLUMNS = 80
PATIENCE = 60


def tmux(*arguments):
    """Run a command of tmux on a server of this test's own."""
    return subprocess.run(["tmux", "-L", f"hap-{os.getpid()}", "-f", "/dev/null", *arguments], check=True, capture_output=True, text=True).stdout


def show(command, watch=None):
    """Run a command in a window of its own and return what is seen when it has ended. WATCH sees the screen meanwhile."""
    with tempfile.TemporaryDirectory() as directory:
        done = os.path.join(directory, "done")
        tmux("new-session", "-d", "-x", str(COLUMNS), "-y", "50", "-s", "window", "sh", "-c", f"{command}; echo $? >{done}; sleep 1000")
        end = time.monotonic() + PATIENCE
        while not (os.path.exists(done) and os.path.getsize(done)):
            assert time.monotonic() < end, f"{command} goes on"
            if watch:
                watch(tmux("capture-pane", "-p", "-t", "window").splitlines())
            time.sleep(0.02)
        # Joined again where the terminal broke a line that was too wide.
        lines = tmux("capture-pane", "-p", "-J", "-S", "-", "-t", "window").rstrip("\n").split("\n")
        tmux("kill-session", "-t", "window")
        return [line.rstrip() for line in lines]


def measure(text):
    """Return how many columns a line takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def check_width(command):
    """No line is wider than the terminal, but for one word that is as wide as a line."""
    lines = show(command)
    assert any(lines), "nothing is seen"
    wide = [line for line in lines if measure(line) > COLUMNS and max(map(measure, line.split())) < COLUMNS - 10]
    assert not wide, "\n".join(wide)


def check_progress():
    """The progress stands in one line, with a bar that grows, and is gone at the end."""
    seen = []

    def watch(lines):
        shown = [line for line in lines if re.search(r"\d+ ?%", line) and "Ctrl-C" in line]
        assert len(shown) <= 1, shown
        if shown and shown[0] not in seen:
            assert lines.index(shown[0]) == 0, lines
            seen.append(shown[0])

    lines = show("ha-profiler start --seconds 5 --formats collapsed", watch)
    assert len(seen) >= 3, seen
    assert "samples" in lines[0] and not [line for line in lines if "Ctrl-C" in line], lines


def check_no_terminal(command):
    """What is no terminal gets no codes, and progress in lines of its own."""
    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    text = done.stdout + done.stderr
    assert done.returncode == 0 and "samples" in text, text
    assert "\033" not in text and "\r" not in text, text


def check_dumb():
    """A terminal that can do nothing gets no codes either."""
    lines = show("TERM=dumb ha-profiler start --seconds 1 --formats collapsed | od -c | grep -c 033; TERM=dumb ha-profiler start --seconds 1 --formats collapsed")
    assert lines[0].split(":")[0] in ("0", "Start"), lines
    assert [line for line in lines if re.fullmatch(r"Start: \d+ %", line)], lines


def check_hostile():
    """A command line of markup, codes, text from right to left and 5,000 characters moves nothing."""
    hostile = "<b>\"'&\033[2J\033]0;x\a\u202e\u05e9\u05dc\u05d5\u05dd\r\n" + "x" * 5000
    process = subprocess.Popen([sys.executable, "-u", "-c", "print('ready'); import time; time.sleep(1000)", hostile], stdout=subprocess.PIPE)
    process.stdout.readline()
    try:
        lines = show("ha-profiler targets")
        row = [line for line in lines if re.match(rf" *{process.pid} ", line)]
        assert len(row) == 1 and measure(row[0]) <= COLUMNS, lines
        assert not re.search("[\u202e\u05dd\033\a]", "".join(lines)), lines
        assert lines[0].split()[0] == "PID", lines
        text = subprocess.run(["ha-profiler", "targets"], check=True, capture_output=True, text=True).stdout
        assert "\033" not in text and "\u202e" not in text and "202e" in text and "<b>" in text, text
    finally:
        process.kill()
        process.wait()


def check_documented():
    """The help is what the documents show, and each action has its page."""
    docs = os.path.join(SAMPLE, "..", "..", "docs")
    lines = show("ha-profiler --help")
    with open(os.path.join(docs, "commands.md"), encoding="utf-8") as file:
        shown = re.search(r"\$ ha-profiler --help\n(.*?)```", file.read(), re.S)[1].splitlines()
    assert lines == shown, "run docs/capture docs/commands.md\n" + "\n".join(lines)
    actions = re.findall(r"^  ([\w-]+)", "\n".join(lines).split("Actions\n")[1].split("\n\n")[0], re.M)
    missing = [name for name in actions if not os.path.exists(os.path.join(docs, "actions", f"{name}.md"))]
    assert len(actions) > 10 and not missing, missing


def list_checks():
    """Return names and checks."""
    actions = [
        "start --seconds 1", "memory --seconds 1", "log-thread-frames", "log-current-tasks", "log-event-loop-scheduled", "dump-sockets", "lru-stats",
        "set-asyncio-debug --seconds 1", "dump-log-objects --type Task", "start-log-objects --no-wait", "start-log-object-sources --no-wait", "stop-log-objects", "stop-log-object-sources",
    ]  # fmt: skip
    commands = [
        "targets", "jobs", "jobs 1", "artifacts", "open nothing", "remove nothing", "cancel 99", "version", "--help", "nothing", "start --rate x",
        "start --target nobody-has-this-name", "start --target 1", "start --seconds 0", "--bus nothing targets",
    ]  # fmt: skip
    checks = [(f"width/{command.replace(' ', '-')}", check_width, f"ha-profiler {command}") for command in actions + commands]
    checks += [(f"width/help/{command.split()[0]}", check_width, f"ha-profiler {command.split()[0]} --help") for command in actions]
    checks += [
        ("progress/in-its-place", lambda _: check_progress(), None),
        ("documented", lambda _: check_documented(), None),
        ("hostile-names", lambda _: check_hostile(), None),
        ("none/pipe", check_no_terminal, "ha-profiler start --seconds 1 --formats collapsed | cat"),
        ("none/file", check_no_terminal, "ha-profiler start --seconds 1 --formats collapsed"),
        ("none/dumb", lambda _: check_dumb(), None),
    ]
    return checks


def main():
    """Run all and speak TAP."""
    if not shutil.which("tmux"):
        print("1..0 # SKIP tmux is not installed")
        return 0
    os.environ["LC_ALL"] = "C.UTF-8"
    os.environ.pop("COLUMNS", None)
    sample = subprocess.Popen([sys.executable, "-m", "homeassistant"], cwd=SAMPLE, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    sample.stdout.readline()
    tmux("new-session", "-d", "-s", "keeper", "sleep", "1000")  # a server without sessions ends
    checks = list_checks()
    failed = 0
    print(f"1..{len(checks)}", flush=True)
    try:
        for number, (name, check, command) in enumerate(checks, 1):
            try:
                check(command)
                print(f"ok {number} /client/terminal/{name}", flush=True)
            except Exception as error:  # one that breaks must not hide the others
                failed += 1
                print(f"not ok {number} /client/terminal/{name}", *[f"# {line}" for line in str(error).splitlines()], sep="\n", flush=True)
    finally:
        sample.kill()
        sample.wait()
        subprocess.run(["tmux", "-L", f"hap-{os.getpid()}", "kill-server"], check=False, capture_output=True)
    return failed > 0


sys.exit(main())
