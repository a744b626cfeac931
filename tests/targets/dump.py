# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has objects whose repr() does what it should not, one class for all; answers a line by what dumping them could leave behind."""
import asyncio
import gc
import os
import sys
import threading
import time

lock = threading.Lock()
calls = []


class Plain:
    def __init__(self, number):
        self.number = number

    def __repr__(self):
        calls.append(self.number)
        return f"<Plain {self.number}>"


class Odd:
    def __init__(self, what):
        self.what = what

    def __repr__(self):
        what = self.what
        if what == "raises":
            raise ValueError("no")
        if what == "leaves":
            raise SystemExit(1)
        if what == "exits":
            os._exit(0)
        if what == "locks":
            lock.acquire()
        if what == "prints":
            print("printed")
            sys.__stdout__.write("written")
        if what == "recurses":
            return repr(self)
        if what == "allocates":
            return "x" * (10 << 30)
        if what == "no text":
            return 1
        if what == "kills":
            os.kill(os.getppid(), 9)
        if what == "threads":
            threading.Thread(target=time.sleep, args=(1000,)).start()
        if what == "crashes":
            import faulthandler
            faulthandler._stack_overflow()
        if what == "sleeps":
            time.sleep(1000)
        if what == "long":
            return "y" * 5000
        return f"<Odd {what}>"


class Slots:
    __slots__ = ("__api_key", "name")

    def __init__(self):
        self.__api_key = "slot-key-51"
        self.name = "public"

    def __repr__(self):
        return f"<Slots {self.name} {self.__api_key}>"


class Secret(dict):
    def __init__(self):
        super().__init__(access_token="dict-token-11", entries=[{"password": "nested-'pass'-21"}], host="10.0.0.1")
        self.client_secret = b"bytes-secret-31"
        self.slots = Slots()
        self.url = "https://user:urlpass41@example.org/?token=urltoken42&page=7"

    def __repr__(self):
        return (f"{dict.__repr__(self)} {self.client_secret} {self.url} Bearer abcdefgh61 {self.slots!r}"
                f" password='typed71' token=None header={{'Authorization': 'Basic dXNlcjpw81'}}")


WHATS = ("raises", "leaves", "exits", "locks", "prints", "recurses", "allocates", "no text", "kills", "threads", "crashes", "sleeps",
         "long", "is fine")


def hold_lock():
    lock.acquire()
    while True:
        time.sleep(1000)


def describe():
    gc.collect()
    files = [name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")]
    return f"{len(sys.modules)} modules, {len(os.listdir('/proc/self/task'))} threads, {len(files)} files, {len(calls)} calls"


def blocks():
    gc.collect()
    return sys.getallocatedblocks()


def answer(loop):
    line = sys.stdin.readline().strip()
    if not line:
        loop.stop()
    print({"state": describe, "blocks": blocks}[line](), flush=True)


def main():
    kept = [Plain(number) for number in range(int(sys.argv[1]))] + [Odd(what) for what in WHATS] + [Secret(), Slots()]
    kept.append(type("a'b\"c\nd.e", (), {})())
    threading.Thread(target=hold_lock, daemon=True).start()
    loop = asyncio.new_event_loop()
    loop.add_reader(0, answer, loop)
    loop.call_soon(print, "ready")
    loop.call_soon(sys.stdout.flush)
    loop.run_forever()
    return kept


main()
