# SPDX-License-Identifier: LGPL-2.1-or-later
"""A profile, its notification on a real screen, the click, and the file that the viewer got: with each real notification daemon.

Usage: scripts/sandbox python3 test-daemons.py NOTIFIER TARGET [PICTURES]. Speaks TAP; a daemon that is missing is a skip by name.
PICTURES: a directory for what was on the screen."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

NOTIFIER, TARGET = sys.argv[1:3]
PICTURES = sys.argv[3] if len(sys.argv) > 3 else None
PATIENCE = 40
VIEWER = """[Desktop Entry]
Type=Application
Name=Viewer
MimeType=text/html;
Exec=cp %f {}/viewed
"""


class Skip(Exception):
    """The reason why a test cannot run here."""


def find(program, *places):
    """Return the program's path."""
    for path in [shutil.which(program), *places]:
        if path and os.access(path, os.X_OK):
            return path
    raise Skip(f"no {program}")


def wait_for(condition, what):
    """Return the first true value of the condition."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not in {PATIENCE} s")


class Session:
    """A screen, a bus, a user's directories and a viewer."""

    def __init__(self, directory):
        self.directory = directory
        self.processes = []
        self.environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        for kind in ("cache", "config", "data", "runtime"):
            path = os.path.join(directory, kind)
            os.makedirs(path, mode=0o700)
            self.environment["XDG_RUNTIME_DIR" if kind == "runtime" else f"XDG_{kind.upper()}_HOME"] = path
        self.environment["HOME"] = directory
        self.write("data/applications/viewer.desktop", VIEWER.format(directory))
        self.write("config/mimeapps.list", "[Default Applications]\ntext/html=viewer.desktop\n")
        self.environment["DISPLAY"] = ":" + self.start_and_read([find("Xvfb"), "-displayfd", "1", "-screen", "0", "1024x600x24"])
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self.start_and_read(
            [find("dbus-daemon"), "--nofork", "--nopidfile", "--print-address", f"--config-file={self.write_bus()}"]
        )

    def write(self, name, text):
        """Write a file."""
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def write_bus(self):
        """Write a bus on which nothing is started but the settings of Xfce."""
        os.makedirs(os.path.join(self.directory, "services"))
        for service in glob.glob("/usr/share/dbus-1/services/org.xfce.Xfconf.service"):
            os.symlink(service, os.path.join(self.directory, "services", os.path.basename(service)))
        policy = '<policy context="default"><allow user="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>'
        return self.write(
            "bus.conf",
            f"<busconfig><type>session</type><listen>unix:dir={self.directory}</listen>"
            f"<servicedir>{self.directory}/services</servicedir>{policy}</busconfig>",
        )

    def start(self, command, **options):
        """Start what lives as long as the session."""
        log = open(os.path.join(self.directory, "log"), "ab")
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=self.environment, **{"stdout": log, **options})
        self.processes.append(process)
        return process

    def start_and_read(self, command):
        """Start it and return its first line."""
        return self.start(command, stdout=subprocess.PIPE).stdout.readline().decode().strip()

    def run(self, *command, check=True):
        """Run a command to its end and return what it prints."""
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=self.environment, timeout=PATIENCE)
        assert not check or done.returncode == 0, (command, done.stderr)
        return done.stdout

    def is_owned(self, name):
        """Whether somebody has the name on the session's bus."""
        return "true" in self.run(
            "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner", f"string:{name}"
        )

    def watch(self):
        """Take down what the notification daemon is told and what it answers."""
        with open(os.path.join(self.directory, "monitor"), "ab") as log:
            self.start(["dbus-monitor", "--session", "interface=org.freedesktop.Notifications,member=Notify", "type=method_return"], stdout=log)
        wait_for(lambda: "NameAcquired" in self.read_monitor() or "NameLost" in self.read_monitor(), "the monitor")

    def read_monitor(self):
        """Return what was taken down."""
        with open(os.path.join(self.directory, "monitor"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def has_offered_to_open(self):
        """Whether the daemon has answered to a notification with the action “open”."""
        calls = re.split(r"^(?=method|signal|error)", self.read_monitor(), flags=re.M)
        offers = [re.search(r" serial=(\d+) ", call)[1] for call in calls if "member=Notify\n" in call and 'string "open"' in call]
        return any(f"reply_serial={serial}\n" in call for call in calls for serial in offers)

    def list_windows(self):
        """Return the geometries of what is on the screen."""
        ids = self.run("xdotool", "search", "--onlyvisible", "--name", ".*", check=False).split()
        found = []
        for window in ids:
            text = self.run("xdotool", "getwindowgeometry", "--shell", window, check=False)
            numbers = dict(re.findall(r"(\w+)=(-?\d+)", text))
            if numbers and 100 < int(numbers["WIDTH"]) < 1000 and int(numbers["HEIGHT"]) > 20:
                found.append(tuple(int(numbers[key]) for key in ("X", "Y", "WIDTH", "HEIGHT")))
        return found

    def find_settled_window(self):
        """Return the geometry of the last window, once it stands still; None before."""
        before = self.list_windows()
        return before[-1] if before and before == self.list_windows() else None

    def end(self):
        """End all, the latest first."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait()


def click(session, list_points):
    """Click at one point after the other until the viewer got a file; None: it got none. A click may be lost on a window that just moves."""
    viewed = os.path.join(session.directory, "viewed")
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        window = session.find_settled_window()
        # Without one there is nothing more to click on: what was clicked may be on its way.
        for point in list_points(window) if window else [None]:
            if point:
                session.run("xdotool", "mousemove", str(point[1]), str(point[2]), "click", point[0])
            soon = time.monotonic() + 1.5
            while time.monotonic() < soon:
                if os.path.exists(viewed):
                    return viewed
                time.sleep(0.02)
    return None


def list_middle(window):
    """Return a click with the middle button, which is dunst's for actions."""
    x, y, width, height = window
    return [("2", x + width // 2, y + height // 2)]


def list_buttons(window):
    """Return clicks along the lower edge, where others have their buttons, from the left: the first opens."""
    x, y, width, height = window
    return [("1", x + width * part // 10, y + height - 20) for part in range(1, 10)]


def check(session, command, list_points):
    """From the profile to the viewer."""
    artifacts = os.path.join(session.directory, "artifacts")
    session.start(command)
    wait_for(lambda: session.is_owned("org.freedesktop.Notifications"), "the notification daemon")
    session.watch()
    session.start([NOTIFIER])
    wait_for(lambda: session.is_owned("org.homeassistant.Profiler.Notifier"), "the agent")
    target = session.start([sys.executable, "-u", TARGET], stdout=subprocess.PIPE)
    target.stdout.readline()
    session.run("ha-profiler", "start", "--target", str(target.pid), "--seconds", "1", "--output-dir", artifacts)
    # Before, there is a notification too, of the job that runs, whose buttons are others.
    wait_for(session.has_offered_to_open, "an offer to open the artifact")
    window = wait_for(session.find_settled_window, "a notification on the screen")
    take_picture(session, command, window)
    viewed = click(session, list_points)
    assert viewed, "no click opened anything"
    originals = []
    for path in glob.glob(os.path.join(artifacts, "flamegraph.*.html")):
        with open(path, "rb") as first:
            originals.append(first.read())

    def is_whole():
        with open(viewed, "rb") as second:
            return second.read() in originals

    wait_for(is_whole, "the whole artifact at the viewer")


def take_picture(session, command, window):
    """Keep what is on the screen, where that is wanted."""
    if PICTURES and shutil.which("import"):
        x, y, width, height = window
        picture = os.path.join(PICTURES, os.path.basename(command[0]) + ".png")
        session.run("import", "-window", "root", "-crop", f"{width}x{height}+{x}+{y}", "+repage", picture)


# Where they may be besides on the PATH, and how they are clicked.
DAEMONS = {
    "dunst": ([], list_middle),
    "xfce4-notifyd": (glob.glob("/usr/lib/*/xfce4/notifyd/xfce4-notifyd"), list_buttons),
    "mate-notification-daemon": (
        ["/usr/lib/mate-notification-daemon/mate-notification-daemon"]
        + glob.glob("/usr/lib/*/mate-notification-daemon/mate-notification-daemon"),
        list_buttons,
    ),
}


def run_with(name):
    """Run the test with one daemon."""
    places, list_points = DAEMONS[name]
    command = [find(name, *places)]
    find("xdotool")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        session = Session(directory)
        try:
            check(session, command, list_points)
        finally:
            session.end()


def main():
    """Run all and speak TAP."""
    print(f"1..{len(DAEMONS)}", flush=True)
    failed = 0
    for number, name in enumerate(DAEMONS, 1):
        path = f"/notifier/daemons/{name}"
        try:
            run_with(name)
            print(f"ok {number} {path}", flush=True)
        except Skip as reason:
            print(f"ok {number} {path} # SKIP {reason}", flush=True)
        except Exception as error:  # one that breaks must not hide the others
            failed += 1
            print(f"not ok {number} {path}", *[f"# {line}" for line in repr(error).splitlines()], sep="\n", flush=True)
    return failed > 0


sys.exit(main())
