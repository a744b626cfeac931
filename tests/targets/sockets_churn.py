# SPDX-License-Identifier: LGPL-2.1-or-later
"""Opens and closes sockets all the time, in two threads: none of them is ever lost."""

import socket
import threading


def churn():
    while True:
        pair = socket.socketpair()
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        copy = socket.socket(fileno=other.detach())
        copy.close()
        for end in pair:
            end.close()


threading.Thread(target=churn, daemon=True).start()
print("ready", flush=True)
churn()
