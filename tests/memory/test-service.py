# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory through the service where it cannot be: a second job on the same process, and a machine without the memory that a
copy may come to need. Usage: test-service.py SOURCE-DIR BUILD-DIR. Prints TAP."""

import os
import re
import subprocess
import sys
import tempfile

TARGET = "import sys; keep = [bytes(1000) for _ in range(60000)]; print('ready', flush=True); sys.stdin.readline(); print(len(keep))"

# The first job is there once the service tells of it.
TWO_JOBS = """
ha-profiler memory --seconds 600 --target "$0" >/dev/null 2>&1 &
until ha-profiler jobs | grep -q Memory; do sleep 0.05; done
ha-profiler jobs >&2
gdbus call --system --dest org.homeassistant.Profiler --object-path /org/homeassistant/Profiler \
  --method org.homeassistant.Profiler.Memory "{'target': <uint32 $0>, 'seconds': <0.001>}"
status=$?
kill $!
exit $status
"""


class Target:
    """A program of some 60 MB."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-c", TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def end(self):
        """See that nothing became of it."""
        assert self.process.communicate("\n", timeout=60)[0] == "60000\n"


def run(source, build, *command):
    """Return the status of a command against the service, and what it printed."""
    done = subprocess.run([*command[:-1], os.path.join(source, "scripts", "sandbox"), *command[-1]],
                          env=dict(os.environ, HAP_BUILD=build, LC_ALL="C"), capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_busy(source, build):
    """The second is told which is the first."""
    target = Target()
    status, text = run(source, build, ["sh", "-c", TWO_JOBS, str(target.process.pid)])
    assert status != 0, text
    said = next((line for line in text.splitlines() if f"Error.Busy: Memory runs on process {target.process.pid}" in line), None)
    assert said and "/jobs/" in said, text
    print("# " + said)
    target.end()


def run_with(source, build, pid, path, text):
    """Run Memory where a file of the kernel's says something else."""
    with tempfile.NamedTemporaryFile("w", suffix=".hap") as file:
        file.write(text)
        file.flush()
        os.chmod(file.name, 0o644)
        return run(source, build, "unshare", "--mount", "sh", "-c", f'mount --bind {file.name} {path} && exec "$@"', "sh",
                   ["ha-profiler", "memory", "--seconds", "0.001", "--target", str(pid)])


def test_short(source, build):
    """A machine on which 30 MB are left makes no copy of 60 MB."""
    target = Target()
    with open("/proc/meminfo", encoding="ascii") as file:
        text = re.sub(r"MemAvailable: .*", "MemAvailable:      30000 kB", file.read())
    status, text = run_with(source, build, target.process.pid, "/proc/meminfo", text)
    assert status != 0 and "There is not enough memory for a copy of the process: 29 MiB are left" in text, text
    target.end()


def main(source, build):
    """Run them all."""
    tests = {"busy": test_busy, "short": test_short}
    print(f"TAP version 13\n1..{len(tests)}", flush=True)
    failed = 0
    for number, (name, test) in enumerate(tests.items(), 1):
        if os.geteuid() != 0:
            print(f"ok {number} - /memory/service/{name} # SKIP needs root")
            continue
        try:
            test(source, build)
            print(f"ok {number} - /memory/service/{name}", flush=True)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            failed += 1
            print(f"not ok {number} - /memory/service/{name}\n# " + str(error)[-3000:].replace("\n", "\n# "), flush=True)
    return failed != 0


sys.exit(main(*sys.argv[1:]))
