# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs in the target (src/python/py-run.h): switches asyncio's debug mode, and hands over what asyncio logs meanwhile. Of two
# that have it on, the later takes over what to restore in the end.

import sys
import time

NAME = "HaProfilerHandler"
MAX_PER_SECOND = 100

# Another thread may have it for long, and the main thread would stand still: logging.config makes handlers meanwhile.
LOCK_SECONDS = 1


def find_loops(asyncio):
    loops = {}
    loop = asyncio._get_running_loop()
    if loop is not None:
        loops[id(loop)] = loop
    for frame in sys._current_frames().values():
        while frame is not None:
            loop = frame.f_locals.get("self") if frame.f_code.co_name == "run_forever" else None
            if isinstance(loop, asyncio.AbstractEventLoop) and loop.is_running():
                loops[id(loop)] = loop
            frame = frame.f_back
    return list(loops.values())


def make_handler(logging, base, logger, saved):
    class HaProfilerHandler(logging.Handler):
        active = True
        second = dropped = count = 0

        def emit(self, record):
            try:
                second = int(time.monotonic())
                self.count = self.count + 1 if second == self.second else 1
                self.second = second
                if self.count > MAX_PER_SECOND:
                    self.dropped += 1
                else:
                    emit({"message": record.getMessage(), "level": record.levelname})
            except BaseException:
                self.dropped += 1

        def retire(self):
            self.active = False
            logger.removeHandler(self)
            self.close()

        # Returns what is to be restored, which is no longer ours.
        def hand_over(self):
            self.retire()
            try:
                emit(None)
            except BaseException:
                pass  # whose it was is no more
            return saved

        # Until all is restored it can be found, by who comes meanwhile and would take what we left on for what was before.
        def undo(self):
            result = {}
            if self.active:
                restore(logging, base, saved)
                self.retire()
                result["enabled"] = any([debug for loop, debug in saved["loops"].values()])
            result["dropped"] = self.dropped
            return result

    return HaProfilerHandler()


def restore(logging, base, saved):
    for loop, debug in saved["loops"].values():
        if not loop.is_closed():
            loop.set_debug(debug)
    if base.level == logging.INFO and saved["level"] is not None:
        base.setLevel(saved["level"])


def run(arguments):
    asyncio, logging = sys.modules.get("asyncio"), sys.modules.get("logging")
    loops = find_loops(asyncio) if asyncio is not None and logging is not None else []
    if not loops:
        return {"loops": 0, "previous": False}
    if not logging._lock.acquire(timeout=LOCK_SECONDS):
        raise TimeoutError("another thread keeps the lock of the module logging")
    try:
        return switch(logging, loops, arguments["enabled"])
    finally:
        logging._lock.release()


def switch(logging, loops, enabled):
    base, logger = logging.getLogger(), logging.getLogger("asyncio")
    result = {"loops": len(loops), "previous": any([loop.get_debug() for loop in loops])}
    # In this order: whose handler is gone has restored the mode before.
    others = [handler for handler in list(logger.handlers) if type(handler).__name__ == NAME]
    saved = {"loops": {id(loop): (loop, loop.get_debug()) for loop in loops}, "level": None}
    for handler in others:
        before = handler.hand_over()
        # Loops that began since are ours.
        saved = {"loops": saved["loops"] | before["loops"], "level": before["level"]}

    if not enabled:
        saved["loops"].update({id(loop): (loop, False) for loop in loops})
        restore(logging, base, saved)
        return result

    # As Home Assistant does, so that its log has what asyncio says.
    if base.getEffectiveLevel() > logging.INFO:
        saved["level"] = base.level
    handler = make_handler(logging, base, logger, saved)
    stay(handler.undo)
    if saved["level"] is not None:
        base.setLevel(logging.INFO)
    logger.addHandler(handler)
    for loop in loops:
        loop.set_debug(True)
    return result
