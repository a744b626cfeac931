# SPDX-License-Identifier: LGPL-2.1-or-later
"""Parks threads in all kinds of stacks and says of each what Python itself says: for comparing with what is read from outside.

Prints "ready", then a line for each thread but its own: "thread", ident, native id, whether it is the main one, and, as hexadecimal
UTF-8, its name and "".join(traceback.format_stack(frame)).strip(); then "end". For a name that is no string, the one that stands in for it is told. After a line
from stdin the files that were made for this are removed.
"""

import asyncio
import os
import queue
import runpy
import shutil
import sys
import tempfile
import threading
import traceback

gate = threading.Lock()
gate.acquire()
parked = queue.SimpleQueue()  # in C: a semaphore's release() is a Python frame, in which a thread may be when all are counted
folder = tempfile.mkdtemp(prefix="hap-test-")


def wait_here():
    return parked.put(None) or gate.acquire()


def recurse(depth):
    return wait_here() if depth == 0 else recurse(depth - 1)


def even(depth):
    return wait_here() if depth == 0 else odd(depth - 1)


def odd(depth):
    return even(depth - 1)


def generator():
    yield from (wait_here() for _ in range(1))


async def coroutine():
    async def inner():
        return wait_here()

    await inner()


def over_lines():
    return [
        1,
        wait_here(

        ),
    ]


def run_made(name, source, encoding="utf-8", keep=True):
    """Runs a file that is made for this; "wait_here" is in reach."""
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(source.encode(encoding))
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    if not keep:
        os.unlink(path)
    exec(code, {"wait_here": wait_here, "__name__": "made"})


def import_made():
    with open(os.path.join(folder, "made_module.py"), "w") as file:
        file.write("import sys\nsys.modules['__main__'].wait_here()\n")
    sys.path.insert(0, folder)
    __import__("made_module")


def run_path():
    path = os.path.join(folder, "script.py")
    with open(path, "w") as file:
        file.write("import sys\nsys.modules['__main__'].wait_here()\n")
    runpy.run_path(path)


WAYS = {
    "plain": wait_here,
    "equal frames: three": lambda: recurse(2),
    "equal frames: four": lambda: recurse(4),
    "equal frames: five": lambda: recurse(5),
    "two and two": lambda: even(200),
    "deep": lambda: recurse(3000),
    "generator": lambda: list(generator()),
    "coroutine": lambda: asyncio.run(coroutine()),
    "sorted": lambda: sorted([1], key=lambda _: wait_here()),
    "comprehension": lambda: [wait_here() for _ in range(1)],
    "class body": lambda: exec("class Made:\n  x = wait_here()\n", globals()),
    "over lines": over_lines,
    "no file": lambda: exec(compile("wait_here()", "<made>", "exec"), globals()),
    "typed in": lambda: exec(compile("wait_here()", "<stdin>", "exec"), globals()),
    "file gone": lambda: run_made("gone.py", "\n\nwait_here()\n", keep=False),
    "tabs": lambda: run_made("tabs.py", "if True:\n\t \twait_here() \t # x \t\f\n"),
    "line ends": lambda: run_made("ends.py", "1\r\n2\r3\n\r\nwait_here()  # five\r\n"),
    "no last line end": lambda: run_made("end.py", "# one\nwait_here()"),
    "byte order mark": lambda: run_made("mark.py", "\ufeffwait_here()  # \u4f60\u597d\n"),
    "latin": lambda: run_made("latin.py", "# -*- coding: latin-1 -*-\nwait_here()  # \u00e9\u00ff\n", "latin-1"),
    "wide blanks": lambda: run_made("blanks.py", "wait_here()  # \u00a0\u3000\n"),
    "import": import_made,
    "runpy": run_path,
    "n\u00e4me \u4f60\u597d \U0001f40d": wait_here,
    "two\nlines": wait_here,
    "": wait_here,
    "x" * 150: wait_here,
}


def describe():
    frames = sys._current_frames()
    for thread in threading.enumerate():
        if thread is threading.current_thread():
            continue
        text = "".join(traceback.format_stack(frames[thread.ident])).strip()
        name = thread.name if isinstance(thread.name, str) else f"Thread-{thread.native_id}"
        print("thread", thread.ident, thread.native_id, int(thread is threading.main_thread()), name.encode().hex(),
              text.encode().hex(), sep="\t")


def report():
    for _ in range(len(WAYS) + 3):
        parked.get()
    print("ready")
    describe()
    print("end", flush=True)
    sys.stdin.readline()
    shutil.rmtree(folder)
    print("removed", flush=True)
    sys.stdin.read()


sys.setrecursionlimit(10000)
threading.stack_size(64 * 1024 * 1024)
for name, way in WAYS.items():
    threading.Thread(target=way, name=name, daemon=True).start()
for name in (5, None):
    nameless = threading.Thread(target=wait_here, daemon=True)
    nameless.start()
    nameless._name = name
threading.Thread(target=report, name="reporter", daemon=True).start()
wait_here()
