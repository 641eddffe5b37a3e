#!/usr/bin/python3
"""The control channel inside the machine: JSON lines over a serial port; nothing listens on a network.

In: {"id": 7, "command": "…", "timeout_seconds": 60}. Out: {"id": 7, "code": 0, "output": "…"}.
Commands run side by side. The first line out has the id 0: the machine is up.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import termios
import threading
import tty
from pathlib import Path

PORTS = ("/dev/virtio-ports/control", "/dev/ttyS0")


def main() -> None:
    port = next(port for port in PORTS if Path(port).exists())
    file = os.open(port, os.O_RDWR | os.O_NOCTTY)
    with contextlib.suppress(termios.error):  # a virtio port is no terminal
        tty.setraw(file, termios.TCSANOW)
    writing = threading.Lock()

    def answer(**message: object) -> None:
        rest = (json.dumps(message) + "\n").encode()
        with writing:
            while rest:
                rest = rest[os.write(file, rest) :]

    def run(id: int, command: str, timeout_seconds: float) -> None:
        try:
            done = subprocess.run(
                ["bash", "-c", command],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout_seconds,
            )
        except subprocess.TimeoutExpired as expired:
            answer(id=id, code=124, output=(expired.stdout or b"").decode(errors="replace"))
        else:
            answer(id=id, code=done.returncode, output=done.stdout.decode(errors="replace"))

    answer(id=0, code=0, output="up")
    unread = b""
    while received := os.read(file, 65536):
        *lines, unread = (unread + received).split(b"\n")
        for line in filter(None, lines):
            threading.Thread(target=run, kwargs=json.loads(line), daemon=True).start()


main()
