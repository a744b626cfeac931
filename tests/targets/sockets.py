# SPDX-License-Identifier: LGPL-2.1-or-later
"""Has sockets of all kinds, and says on request what it says of them itself.

Printed before "ready": nothing. After it, for each line on stdin: "object HEX-OF-REPR" for each socket object, "lost FD INODE FAMILY TYPE PROTO
RECEIVE-QUEUE STATE ADDRESSES" for each descriptor without object (the addresses as Python prints them, "-": none), "stale FD" for each object without descriptor, then "end". With the argument "alone": in a network namespace of its own.
"""

import asyncio
import ctypes
import fcntl
import gc
import os
import socket
import ssl
import struct
import sys
import tempfile
import threading

keep = []


def add(*sockets):
    keep.extend(sockets)
    return sockets[0]


class Meter(socket.socket):
    """A class of the target's own."""


def leave_network():
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh22x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def inet(family, host):
    server = add(socket.socket(family, socket.SOCK_STREAM))
    server.bind((host, 0))
    server.listen(5)
    client = add(socket.socket(family, socket.SOCK_STREAM))
    client.connect(server.getsockname())
    add(server.accept()[0])
    waiting = add(socket.socket(family))
    waiting.connect(server.getsockname())  # nobody takes it
    datagram = add(socket.socket(family, socket.SOCK_DGRAM))
    datagram.bind((host, 0))
    connected = add(socket.socket(family, socket.SOCK_DGRAM, socket.IPPROTO_UDP))
    connected.connect(datagram.getsockname())
    add(socket.socket(family, socket.SOCK_DGRAM))


def unix():
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "it's a \"näme\"\udcff")
    server = add(socket.socket(socket.AF_UNIX))
    server.bind(path)
    server.listen()
    client = add(socket.socket(socket.AF_UNIX))
    client.connect(path)
    add(server.accept()[0])
    hidden = add(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    hidden.bind(b"\0hap-test-%d\x01'" % os.getpid())
    other = add(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    other.connect(hidden.getsockname())
    add(*socket.socketpair())
    os.unlink(path)
    os.rmdir(folder)


if "alone" in sys.argv:
    leave_network()
inet(socket.AF_INET, "127.0.0.1")
try:
    inet(socket.AF_INET6, "::1")
    both = add(socket.socket(socket.AF_INET6))
    both.bind(("::", 0))
    both.listen()
    mapped = add(socket.socket(socket.AF_INET6))
    mapped.connect(("::ffff:127.0.0.1", both.getsockname()[1]))
    add(both.accept()[0])
except OSError:
    pass  # no IPv6 here
unix()
netlink = add(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
netlink.bind((0, 1))
add(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
meter = add(Meter(socket.AF_INET, socket.SOCK_DGRAM))
meter.bind(("127.0.0.1", 0))

closed = add(socket.socket())
closed.close()
server = add(socket.socket())
server.bind(("127.0.0.1", 0))
server.listen()
half = add(socket.create_connection(server.getsockname()))
file = half.makefile()
half.close()  # lives on with the file
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
plain = socket.create_connection(server.getsockname())
add(context.wrap_socket(plain, server_hostname="x", do_handshake_on_connect=False))



def lose(sock, waiting, state, *addresses):
    """Lets go of a socket; returns what is true of the descriptor that is left."""
    text = " ".join(repr(address).replace(" ", "") for address in addresses) or "-"
    inode = os.fstat(sock.fileno()).st_ino
    return f"{sock.fileno()} {inode} {sock.family} {sock.type} {sock.proto} {waiting} {state} {text}", sock.detach()


forgotten = socket.create_connection(server.getsockname())
peer = add(server.accept()[0])
while peer.getpeername() != forgotten.getsockname():
    peer = add(server.accept()[0])
peer.sendall(b"unread")
forgotten.recv(6, socket.MSG_PEEK | socket.MSG_WAITALL)
lost = [
    lose(socket.socket(socket.AF_UNIX), 0, "unconnected")[0],
    lose(forgotten, 6, "established", forgotten.getsockname(), forgotten.getpeername())[0],
]
stale, reused = add(socket.socket(socket.AF_UNIX)), add(socket.socket(socket.AF_UNIX))

stale_fd, reused_fd = stale.fileno(), reused.fileno()
os.close(stale_fd)
os.dup2(0, reused_fd)  # open, but no socket


def answer():
    for line in sys.stdin:
        for thing in gc.get_objects():
            if isinstance(thing, socket.socket):
                print("object", repr(thing).encode("utf-8", "backslashreplace").hex())
        for facts in lost:
            print("lost", facts)
        print("stale", stale_fd)
        print("stale", reused_fd)
        print("end", flush=True)


async def main():
    global stream
    stream = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    threading.Thread(target=answer, daemon=True).start()
    print("ready", flush=True)
    await asyncio.sleep(100000)


asyncio.run(main())
