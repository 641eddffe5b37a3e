#!/usr/bin/python3
"""The air in the room: soft noise at the other end of the sound card, always, and what the user says when asked to.

A microphone that sends nothing but zeros is broken, and the speaker says so; hence the noise.
Listens at /run/room.sock: a line with the path of a wav file in, an empty line out when it is over.
"""

from __future__ import annotations

import array
import queue
import random
import socket
import subprocess
import threading
import wave
from pathlib import Path

SOCKET = Path("/run/room.sock")
CARD = "plughw:CARD=Loopback,DEV=1"
RATE_HZ = 48_000
"""Whoever opens the card first decides for both ends: this is what a real card would have."""
CHANNELS = 2
BLOCK = 960 * CHANNELS
NOISE_PEAK = 40


def serve(listener: socket.socket, wanted: queue.SimpleQueue[tuple[bytes, socket.socket]]) -> None:
    while True:
        connection, _ = listener.accept()
        path = connection.makefile().readline().strip()
        with wave.open(path) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, CHANNELS, 2)
            wanted.put((file.readframes(file.getnframes()), connection))


def main() -> None:
    chance = random.Random(1)  # noqa: S311 - noise, not a secret
    noise = [
        array.array("h", [chance.randint(-NOISE_PEAK, NOISE_PEAK) for _ in range(BLOCK)]).tobytes() for _ in range(25)
    ]
    wanted: queue.SimpleQueue[tuple[bytes, socket.socket]] = queue.SimpleQueue()
    listener = socket.socket(socket.AF_UNIX)
    SOCKET.unlink(missing_ok=True)
    listener.bind(str(SOCKET))
    listener.listen()
    threading.Thread(target=serve, args=(listener, wanted), daemon=True).start()
    form = ["-t", "raw", "-f", "S16_LE", "-c", str(CHANNELS), "-r", str(RATE_HZ), "--buffer-time=200000"]
    with subprocess.Popen(["aplay", "-q", "-D", CARD, *form], stdin=subprocess.PIPE, bufsize=0) as player:
        assert player.stdin is not None
        while True:
            for block in noise:  # aplay takes them at the card's pace
                player.stdin.write(block)
                if not wanted.empty():
                    speech, connection = wanted.get()
                    for start in range(0, len(speech), 2 * BLOCK):
                        player.stdin.write(speech[start : start + 2 * BLOCK])
                    connection.sendall(b"\n")
                    connection.close()


main()
