# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sockets in the hands of integrations (by their paths), each in another way: what tells whose they are.

Prints "FD INTEGRATION" for each when asked.
"""

import asyncio
import socket
import sys
import threading

SITE = "/opt/ha/lib/python3/site-packages/homeassistant/components/"
SOURCES = {
    "/config/custom_components/meter/sensor.py": """
class Meter:
    def __init__(self, sock):
        self.connection = {"socket": sock}
""",
    SITE + "sun/__init__.py": """
class Protocol(asyncio.Protocol):
    pass
""",
    SITE + "zone/__init__.py": """
async def listen(sock):
    held = [sock]
    tell()
    await asyncio.sleep(100000)
    return held
""",
    SITE + "hue/bridge.py": """
async def on_client(reader, writer):
    pass
""",
}
names = {"asyncio": asyncio}


def pair():
    one, other = socket.socketpair()
    kept.append(other)
    return one


async def main():
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    names["tell"] = ready.set
    for path, source in SOURCES.items():
        space = {"__name__": path.split("site-packages/")[-1].removeprefix("/config/")[:-3].replace("/", ".").removesuffix(".__init__")}
        space.update(names)
        exec(compile(source, path, "exec"), space)
        spaces.append(space)
        sys.modules[space["__name__"]] = type(sys)(space["__name__"])
        sys.modules[space["__name__"]].__dict__.update(space)
    owned = []
    sock = pair()
    owned.append((sock.fileno(), "meter"))
    kept.append(spaces[0]["Meter"](sock))
    sock = pair()
    owned.append((sock.fileno(), "sun"))
    kept.append((await loop.create_connection(spaces[1]["Protocol"], sock=sock))[0])
    sock = pair()
    owned.append((sock.fileno(), "zone"))
    kept.append(loop.create_task(spaces[2]["listen"](sock)))
    await ready.wait()
    server = await asyncio.start_server(spaces[3]["on_client"], "127.0.0.1", 0)
    kept.append(server)
    owned.append((server.sockets[0].fileno(), "hue"))
    del sock

    def answer():
        for line in sys.stdin:
            for fd, name in owned:
                print(fd, name)
            print("end", flush=True)

    threading.Thread(target=answer, daemon=True).start()
    print("ready", flush=True)
    await asyncio.sleep(100000)


kept, spaces = [], []
asyncio.run(main())
