# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example of Home Assistant's documentation of log_thread_frames, acted out: its files, lines and functions, and its thread."""

import threading

FRAMES = [
    ("/usr/local/lib/python3.8/concurrent/futures/thread.py", 80, "_worker"),
    ("/usr/local/lib/python3.8/concurrent/futures/thread.py", 57, "run"),
    ("/usr/src/homeassistant/homeassistant/components/samsungtv/media_player.py", 139, "update"),
    ("/usr/src/homeassistant/homeassistant/components/samsungtv/bridge.py", 72, "is_on"),
    ("/usr/src/homeassistant/homeassistant/components/samsungtv/bridge.py", 274, "_get_remote"),
    ("/usr/local/lib/python3.8/site-packages/samsungtvws/remote.py", 146, "open"),
    ("/usr/local/lib/python3.8/site-packages/websocket/_core.py", 511, "create_connection"),
    ("/usr/local/lib/python3.8/site-packages/websocket/_core.py", 219, "connect"),
    ("/usr/local/lib/python3.8/site-packages/websocket/_http.py", 120, "connect"),
    ("/usr/local/lib/python3.8/site-packages/websocket/_http.py", 170, "_open_socket"),
]
connected = threading.Event()


def connect(address):
    print("ready", flush=True)
    connected.wait()


call = connect
for path, line, name in reversed(FRAMES):
    names = {"call": call}
    exec(compile("\n" * (line - 2) + f"def {name}(address):\n    call(address)\n", path, "exec"), names)
    call = names[name]
threading.Thread(target=call, args=("192.168.1.20",), name="SyncWorker_6", daemon=True).start()
connected.wait()
