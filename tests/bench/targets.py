# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of tests/targets as processes, on the interpreters that scripts/interpreters lists: what benchmarks share."""
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TARGETS = os.path.join(TOP, "tests", "targets")
MOUNT_POINT = "mnt"

# In mount and pid namespaces of its own, and in another root if there is one. Its first line is its number here.
ENTER = """
if [ -n "$1" ]; then mount -t proc proc "$1/proc"; mount --bind "$2" "$1/mnt"; else mount -t proc proc /proc; fi
root=$1; shift 2
exec chroot "${root:-/}" "$@"
"""


def interpreters():
    """The newest of each supported minor version outside of a chroot, and all inside of one: (version, path, root)"""
    done = subprocess.run([os.path.join(TOP, "scripts", "interpreters")], check=True, capture_output=True, text=True)
    found = {}
    for version, path, root in (line.split("\t") for line in done.stdout.splitlines()):
        major, minor = version.split(".")[:2]
        if major == "3" and 11 <= int(minor) <= 15 and version[-1].isdigit():
            found[minor, root] = (version, path, root)
    return list(found.values())


class Target:
    """One process, which answers lines."""

    def __init__(self, python, root, script, *arguments, apart=False):
        command = [python, os.path.join("/" + MOUNT_POINT if root else TARGETS, script), *arguments]
        if root or apart:
            command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", ENTER, "sh", root, TARGETS, *command]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.process.stdout.readline()
        if root or apart:
            with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as file:
                self.pid = int(file.read().split()[0])

    def ask(self, question):
        """Return the answer to a line."""
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, 9)
        self.process.kill()
        self.process.wait()
