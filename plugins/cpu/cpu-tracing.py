# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs in the target (src/python/py-run.h): counts the calls of the main thread with cProfile's own counter, from last of all on, until it is
# let go, and hands over what cProfile would write. Our own calls are not among them.
#
# Up to 3.11 a profiler belongs to a thread, which alone can switch it off. From 3.12 on it takes the events of all threads for one thread's:
# there those of others are kept from it, by filters that cost more than the counting itself, and are left out while the main
# thread is the only one that runs.

import _signal
import _thread
import itertools
import sys
from _functools import partial
from _operator import call

OURS = "<ha-profiler>"

# The events that cProfile counts by, and how many arguments come with them.
EVENTS = {"PY_START": 2, "PY_RESUME": 2, "PY_THROW": 3, "PY_RETURN": 3, "PY_YIELD": 3, "PY_UNWIND": 3, "CALL": 4, "C_RETURN": 4, "C_RAISE": 4}


class ThreadCounter:
    mixed = False
    end = None

    def __init__(self, profiler):
        self.profiler = profiler
        self.stopped = _thread.allocate_lock()
        self.stopped.acquire()
        self.signal = next(number for number in range(_signal.SIGRTMAX, _signal.SIGRTMIN, -1)
                           if _signal.getsignal(number) == _signal.SIG_DFL)
        _signal.signal(self.signal, self.stop_here)
        asyncio = sys.modules.get("asyncio")
        self.loop = getattr(asyncio, "_get_running_loop", lambda: None)()

    def begin(self):
        self.profiler.enable()

    # In the main thread, as if a signal had come.
    def stop_here(self, number, frame):
        if sys.getprofile() is self.profiler:
            self.profiler.disable()
        _signal.signal(self.signal, _signal.SIG_DFL)
        self.stopped.release()

    def finish(self):
        _thread.interrupt_main(self.signal)
        try:
            self.loop and self.loop.call_soon_threadsafe(list)  # it may sleep
        except RuntimeError:
            pass  # it ended
        self.stopped.acquire()


class EventCounter:
    mixed = False

    def __init__(self, profiler):
        self.profiler = profiler
        self.tool, self.events = sys.monitoring.PROFILER_ID, sys.monitoring.events
        self.filters = self.make_filters()
        self.alone = len(sys._current_frames()) == 1
        thread_class = getattr(sys.modules.get("threading"), "Thread", None)
        self.watched = getattr(getattr(thread_class, "start", None), "__code__", None)
        unwatch = self.watch(None, 0) if self.alone and self.watched is not None else []
        self.end = partial(list, itertools.starmap(call, unwatch + [(profiler.disable,)]))

    # Which method is called for which event differs by version.
    def make_filters(self):
        model = type(self.profiler)()
        model.enable()
        methods = {event: sys.monitoring.register_callback(self.tool, getattr(self.events, event), None) for event in EVENTS}
        model.disable()
        mine = _thread.RLock()
        mine.acquire()
        return [(sys.monitoring.register_callback, self.tool, getattr(self.events, event),
                 make_filter(EVENTS[event], getattr(self.profiler, method.__name__), mine._is_owned))
                for event, method in methods.items() if method is not None]

    def watch(self, function, events):
        return [(sys.monitoring.register_callback, self.tool, self.events.LINE, function),
                (sys.monitoring.set_local_events, self.tool, self.watched, events)]

    def begin(self):
        steps = self.filters
        if self.alone and self.watched is not None:
            steps = self.watch(self.on_new_thread, self.events.LINE)
        do_at_once([(self.profiler.enable,), *steps])

    # Called before Thread.start() does anything.
    def on_new_thread(self, code, line):
        self.alone = False
        do_at_once(self.filters)
        return sys.monitoring.DISABLE

    # What was not seen to begin, though it did.
    def finish(self):
        self.mixed = self.alone and len(sys._current_frames()) > 2


# In C: nobody else runs between two steps.
def do_at_once(steps):
    list(itertools.starmap(call, steps))


# A lock that knows whose it is says so without making a number of it to compare: a third less time at each event.
def make_filter(n_arguments, function, is_mine):
    def two(code, offset):
        if is_mine():
            function(code, offset)

    def three(code, offset, value):
        if is_mine():
            function(code, offset, value)

    def four(code, offset, callee, argument):
        if is_mine():
            function(code, offset, callee, argument)

    return {2: two, 3: three, 4: four}[n_arguments]


# By what the interpreter keeps of it: nothing of its own is asked.
def find_other():
    other = sys.getprofile()
    if other is None:
        return sys.monitoring.get_tool(sys.monitoring.PROFILER_ID) if hasattr(sys, "monitoring") else None
    if type(other) is type(find_other):
        module, name = other.__module__, other.__qualname__
    else:
        module, name = [type.__dict__[key].__get__(type(other)) for key in ("__module__", "__qualname__")]
    return "%s.%s" % (module, name) if type(module) is str else name


def label(code):
    return ("~", 0, code) if type(code) is str else (code.co_filename, code.co_firstlineno, code.co_name)


def is_ours(code):
    return type(code) is not str and code.co_filename == OURS


# What was called by us is none of the program's.
def count_own_calls(entries):
    own = {}
    for entry in entries:
        for part in entry.calls or () if is_ours(entry.code) else ():
            own[id(part.code)] = own.get(id(part.code), 0) + part.callcount
    return own


# As cProfile's snapshot_stats() does: what has the same label is the last one of them.
def tell(entries):
    own = count_own_calls(entries)
    entries = [entry for entry in entries if not is_ours(entry.code) and entry.callcount > own.get(id(entry.code), 0)]
    places = {label(entry.code): entry for entry in entries}
    numbers = {place: number for number, place in enumerate(places)}
    callers = {id(entry.code): {} for entry in entries}
    for entry in entries:
        number = numbers[label(entry.code)]
        for part in entry.calls or ():
            if id(part.code) in callers:
                before = callers[id(part.code)].get(number, (0, 0, 0.0, 0.0))
                counts = (part.callcount, part.callcount - part.reccallcount, part.inlinetime, part.totaltime)
                callers[id(part.code)][number] = tuple(map(sum, zip(counts, before)))
    rows = []
    for place, entry in places.items():
        calls = entry.callcount - own.get(id(entry.code), 0)
        rows.append([*place, getattr(entry.code, "co_qualname", ""), calls, calls - entry.reccallcount, entry.inlinetime, entry.totaltime,
                     [[number, *counts] for number, counts in callers[id(entry.code)].items()]])
        # Other threads may run for long at each.
        if len(rows) == 100:
            emit(rows)
            rows = []
    emit(rows)


def run(arguments):
    other = find_other()
    if other is not None:
        return {"other": other}
    known = "_lsprof" in sys.modules
    import _lsprof
    if not known:
        del sys.modules["_lsprof"]
    profiler = _lsprof.Profiler()
    counter = EventCounter(profiler) if hasattr(sys, "monitoring") else ThreadCounter(profiler)

    def undo():
        counter.finish()
        tell(profiler.getstats())
        return {"mixed": counter.mixed}

    stay(undo, counter.begin, counter.end)
    return {}
