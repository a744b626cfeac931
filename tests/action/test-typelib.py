# SPDX-License-Identifier: LGPL-2.1-or-later
"""What plugins derive from, from another language: a class derived from Hap.Action is run with a report that is one of Python's, too.

Usage: test-typelib.py DIRECTORY, where the typelib and the library are. Speaks TAP. Starts itself again in Debian's own Python, for which
there is PyGObject."""

import os
import sys

PYTHON = "/usr/bin/python3"


def skip(reason):
    """Run nothing, for that reason."""
    print(f"1..0 # SKIP {reason}")
    sys.exit()


if not os.path.exists(f"{sys.argv[1]}/Hap-0.typelib"):
    skip("there is no typelib: gobject-introspection was not there to build it")
if not os.environ.get("HAP_IN_PYTHON"):
    if not os.path.exists(PYTHON):
        skip("no python3 of the system's")
    os.execve(PYTHON, [PYTHON, *sys.argv], {**os.environ, "HAP_IN_PYTHON": "1"})
try:
    import gi

    gi.require_version("GIRepository", "2.0")
    from gi.repository import GIRepository, Gio, GLib, GObject
except (ImportError, ValueError):
    skip("no PyGObject (python3-gi) with GIRepository 2.0")

# As a plugin's writer does, for a library that is no other program's.
GIRepository.Repository.prepend_search_path(sys.argv[1])
GIRepository.Repository.prepend_library_path(sys.argv[1])
gi.require_version("Hap", "0")
from gi.repository import Hap  # noqa: E402

class Report(GObject.Object, Hap.Report):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.told = []

    def do_get_start_time(self):
        """Return when the job began."""
        return 1_700_000_000_000_000

    def do_entry(self, message, fields):
        """Take an entry."""
        self.told.append((message, fields.unpack() if fields else {}))
        return True

    def do_progress(self, fraction):
        """Take the progress."""
        self.told.append(fraction)
        return True


class Hello(Hap.Action):
    """Greets, or fails."""

    name = GObject.Property(type=str, default="nobody")

    def do_run(self, _target, report, cancellable):
        """Run the action."""
        if cancellable and cancellable.is_cancelled():
            raise GLib.Error("Nobody is here", "hap-error-quark", Hap.Error.TARGET_GONE)
        report.entry(f"Hello, {self.name}", GLib.Variant("a{sv}", {"at": GLib.Variant("x", report.get_start_time())}))
        return report.progress(1)


def test_run():
    """What is Python's is called by the library, and calls it."""
    report = Report()
    assert Hello(name="you").run(None, report, None)
    assert report.told == [("Hello, you", {"at": 1_700_000_000_000_000}), 1], report.told


def test_error():
    """An error comes back as it was raised."""
    cancellable = Gio.Cancellable()
    cancellable.cancel()
    try:
        Hello().run(None, Report(), cancellable)
    except GLib.Error as error:
        assert error.message == "Nobody is here" and error.matches(Hap.error_quark(), Hap.Error.TARGET_GONE), error
    else:
        raise AssertionError("no error")


def test_description():
    """What the service asks of an action can be asked."""
    action = Hello()
    assert action.get_data().get_type_string() == "a{sv}"
    assert not action.modifies() and not action.enters() and not action.asks_for_secrets()


def test_names():
    """Codes have the names that they have on D-Bus."""
    assert Hap.error_get_dbus_name(Hap.Error.NO_TARGET) == "org.homeassistant.Profiler.Error.NoTarget"
    assert (Hap.Reply.JOB, Hap.Reply.REPORT, Hap.Reply.NONE) == (0, 1, 2)


def main():
    """Run all and speak TAP."""
    tests = [test_run, test_error, test_description, test_names]
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} /action/typelib/{test.__name__[5:]}")
        except Exception as error:  # one that breaks must not hide the others
            failed += 1
            print(f"not ok {number} /action/typelib/{test.__name__[5:]}\n# {type(error).__name__}: {error}")
    return failed > 0


sys.exit(main())
