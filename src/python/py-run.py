# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What surrounds a snippet that runs in the target. The name parameters is set: the numbers of two memory files, whether others
# have just been lost, the snippet's source, its arguments. It has a namespace of its own, imports nothing but what is built into the interpreter, and leaves
# nothing. The file channel takes lines, behind a header: a letter and JSON. Who asked holds a lock on it, which the kernel releases with them.

import _thread
import itertools
import posix
import sys
import time
from _operator import call

script, channel, lost, source, arguments = parameters
limit = room = 256 << 20
header = 16

try:
    quote = sys.modules["_json"].encode_basestring_ascii
except BaseException:
    def quote(text):
        if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
            return '"%s"' % text
        return '"%s"' % "".join(map(escape, text))


def escape(character):
    code = ord(character)
    if code > 0xffff:
        return "\\u%04x\\u%04x" % (0xd800 | code - 0x10000 >> 10, 0xdc00 | code & 0x3ff)
    return character if 32 <= code < 127 and character not in '"\\' else "\\u%04x" % code


def encode(value):
    kind = type(value)
    if value is None or kind is float and value - value != 0 or kind is int and not -1 << 63 <= value < 1 << 63:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is float:
        return repr(value)
    if kind is list or kind is tuple:
        return "[%s]" % ",".join([encode(item) for item in value])
    if kind is dict:
        return "{%s}" % ",".join([encode(str(key)) + ":" + encode(item) for key, item in value.items()])
    # Lone surrogates are no text, and a NUL ends one.
    return quote(str(value).replace("\0", "\ufffd").encode("utf-8", "replace").decode())


def write(line):
    line = line.encode()
    while line:
        line = line[posix.write(channel, line):]


# Who reads it gives back what was read: the kernel knows how much there is. Nothing, which says that something ended, has room always.
def emit(value):
    global room
    line = encode(value)
    room -= len(line)
    if room < 0:
        room = limit - posix.fstat(channel).st_blocks * 512 - len(line)
    if room < 0 and value is not None:
        raise MemoryError("more results than there is room for")
    write("i" + line + "\n")


def describe(error):
    try:
        return "%s: %s" % (type(error).__name__, error)
    except BaseException:
        return type(error).__name__


def close_file(number):
    try:
        posix.close(number)
    except OSError:
        pass


def close():
    close_file(channel)
    # The interpreter may be asked for the next script before this returns, and imports with the builtins that it finds here.
    everything = globals()
    namespace.clear()
    for name in [name for name in everything if name != "__builtins__"]:
        del everything[name]


# Called by a snippet before it changes something that lasts: undo ends that and returns the result. It is called in a
# thread of its own, which sleeps until who asked lets go, or is no more. What must not see this thread fall asleep and wake up is begun
# by another function, when it sleeps, and ended by a third one, before it does anything else.
def stay(function, before=None, after=None):
    global undo, begin, end
    undo, begin, end = function, before, after


# Steps in C: who watches calls sees none of them, and no other thread runs between them. What has not begun does not end.
def wait():
    try:
        try:
            list(itertools.starmap(call, ((asleep.release,), (posix.lockf, channel, posix.F_LOCK, 0), (begun.acquire,))))
        except OSError:
            begun.acquire()
        if end is not None:
            end()
        line = "r" + encode(undo())
    except BaseException as error:
        line = "e" + encode(describe(error))
    try:
        write(line + "\n")
    finally:
        close()


# By now the other thread undoes it in any case.
def start():
    try:
        if begin is None or not asleep.acquire(True, 5):
            begun.release()
        else:
            list(itertools.starmap(call, ((begin,), (begun.release,))))
    except BaseException as error:
        begun.release()
        write("e" + encode(describe(error)) + "\n")


# Called by a snippet: work(first) goes on in a copy of this process, which who asked has made meanwhile, or several, one after
# the other. None of it shows here, but that the copy is waited for.
def copy(work):
    here = posix.getpid()
    write("c\n")
    await_copy(time.monotonic() + 1)
    if posix.getpid() != here:
        be_copy(work)


# Home Assistant has a time.sleep() of its own.
def pause():
    lock = _thread.allocate_lock()
    lock.acquire()
    lock.acquire(True, 0.001)


# The answer is a flag of the file. No other thread must be at anything when the copy is made, that is have the interpreter's lock: none gets it
# while the flag is looked for without a step of Python, for so many times.
def keep_lock(times):
    return all(map(posix.get_blocking, itertools.repeat(channel, times)))


# Should the copy not be made in the first milliseconds, they get it again until the header asks for a tenth of a second of that.
def await_copy(end):
    times = 1 << 13
    while keep_lock(times) and time.monotonic() < end and is_wanted():
        pause()
        times = 1 << 19 if posix.pread(channel, header, 0).strip() else 1


# What is printed in a copy is seen nowhere.
def swallow_output():
    sys.stdout = sys.stderr = None
    try:
        nowhere = posix.memfd_create("nowhere")
        for number in (0, 1, 2):
            if number not in (channel, nowhere):
                posix.dup2(nowhere, number)
    except OSError:
        pass


# Alone, with one descriptor, and what goes on here goes on nowhere else.
def be_copy(work):
    try:
        import gc
        gc.disable()
        swallow_output()
        first = posix.pread(channel, header, 0)
        while not first.strip() and is_wanted():
            pause()
            first = posix.pread(channel, header, 0)
        write("r" + encode(work(int(first))) + "\n")
    except BaseException as error:
        write("e" + encode(describe(error)) + "\n")
    finally:
        posix._exit(113)


def is_wanted():
    try:
        posix.lockf(channel, posix.F_TEST, 0)
    except OSError:
        return True
    return False


# Closes what somebody had opened here who was ended since. Who lives holds a lock, or is about to. What has begun has written, and
# closes its file itself: the number may be another's then.
def close_lost():
    for name in posix.listdir("/proc/self/fd"):
        try:
            number = int(name)
            if posix.readlink("/proc/self/fd/" + name) == "/memfd:ha-profiler (deleted)" and posix.lseek(number, 0, 1) <= header:
                posix.lockf(number, posix.F_TEST, 0)
                if lost or time.time() - posix.fstat(number).st_ctime > 1:
                    posix.close(number)
        except OSError:
            pass


# Each system call lets other threads have the interpreter's lock, and those that compute keep it until that interval is over: it is short for
# as long as we run. Set and read are cut to whole microseconds; by then our names are gone.
def hurry(function):
    interval, set_interval = sys.getswitchinterval(), sys.setswitchinterval
    set_interval(1e-4)
    try:
        return function()
    finally:
        set_interval(interval + 5e-7)


# Whether nothing of it stays.
def main():
    write("s\n")
    try:
        close_lost()
        exec(compile(source, "<ha-profiler>", "exec"), namespace)
        result = encode(namespace["run"](arguments))
        stays = undo is not None
        if stays:
            write("k" + result + "\n")
            _thread.start_new_thread(wait, ())
        else:
            write("r" + result + "\n")
        return not stays
    except BaseException as error:
        # Whoever asked may be gone, and the channel with them.
        try:
            write("e" + encode(describe(error)) + "\n")
        finally:
            if undo is not None:
                undo()
        return True


undo = begin = end = None
asleep, begun = _thread.allocate_lock(), _thread.allocate_lock()
asleep.acquire()
begun.acquire()
namespace = {"emit": emit, "stay": stay, "copy": copy}
try:
    close_file(script)
    # Last of all, for whoever counts calls counts ours from there on.
    if hurry(lambda: is_wanted() and not main() or close()):
        start()
except BaseException:
    close()
    raise
