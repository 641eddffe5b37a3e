#!/usr/bin/python3
"""Plays a scene in the machine and tells what happened when: steps as JSON on the command line, a report as JSON out.

It is the room around the speaker: speaks through the other end of the sound card, records what the speaker plays,
presses buttons, reads the LED's line and follows the control socket. All times are seconds of one clock, the scene's.

    ["play", "question.wav"]        speak; the next step begins at once
    ["heard"]                       wait until what was spoken is over
    ["phase", "speaking", 20]       wait until the speaker tells this phase, at most 20 s
    ["event", {"event": "tool"}, 20] wait until an event with these values comes
    ["press", 17]                   press the button at this line for 100 ms
    ["sleep", 1.5]                  wait
    ["shell", "ip link set dummy0 down"]
"""

from __future__ import annotations

import array
import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

SOUNDS = Path("/opt/payload/sounds")
SOCKET = "/run/speakerd/control.sock"
RATE_HZ = 16_000
PIECE = 160
"""Samples whose loudness is told: 10 ms."""
ROOM = "plughw:CARD=Loopback,DEV=1"
"""The other end of the card that the speaker uses."""
LED = 27
LED_SECONDS = 0.007
"""Between two looks at the LED: coprime to its PWM of 10 ms."""


class Scene:
    """The clock, and everything that is told."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.gpio = Path(Path("/run/gpio").read_text().strip())
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.sound: list[tuple[float, int]] = []
        self.led: dict[str, list[int]] = {}
        self.steps: list[tuple[float, list[Any]]] = []
        self.light = ""
        self.lost = 0
        """How often the card lost sound in the scene."""
        self.is_over = False
        self.changed = threading.Condition()
        self.speech: socket.socket | None = None

    def now(self) -> float:
        return round(time.monotonic() - self.begun, 4)

    def follow(self) -> None:
        """Take every event of the speaker, again after it has ended."""
        while not self.is_over:
            with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as connection:
                connection.connect(SOCKET)
                connection.sendall(b'{"do": "follow"}\n')
                for line in connection.makefile("rb"):
                    self.take(json.loads(line))
            time.sleep(0.1)

    def take(self, event: dict[str, Any]) -> None:
        with self.changed:
            self.events.append((self.now(), event))
            self.light = event.get("light", self.light)
            self.changed.notify_all()

    def watch_led(self) -> None:
        """Count how often the LED is lit while each light is shown."""
        value = os.open(self.gpio / f"sim_gpio{LED}/value", os.O_RDONLY)
        while not self.is_over:
            is_lit = os.pread(value, 1, 0) == b"1"
            seen = self.led.setdefault(self.light, [0, 0])
            seen[0] += is_lit
            seen[1] += 1
            time.sleep(LED_SECONDS)

    def record(self, recorder: subprocess.Popen[bytes], wanted: Path) -> None:
        """Keep what the speaker plays, and how loud each piece was when it came."""
        assert recorder.stdout is not None
        with wanted.open("wb") as file:
            while piece := recorder.stdout.read(2 * PIECE):
                samples = array.array("h", piece[: len(piece) // 2 * 2])
                self.sound.append((self.now(), round(math.sqrt(sum(s * s for s in samples) / len(samples)))))
                file.write(piece)

    def play(self, name: str) -> None:
        self.speech = socket.socket(socket.AF_UNIX)
        self.speech.connect("/run/room.sock")
        self.speech.sendall(f"{SOUNDS / name}\n".encode())

    def heard(self) -> None:
        assert self.speech is not None
        self.speech.recv(1)

    def wait_for(self, since: int, seconds: float, *wanted: dict[str, Any]) -> int:
        """The number of the first event from `since` on that has one of these sets of values."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                for number in range(since, len(self.events)):
                    if any(want.items() <= self.events[number][1].items() for want in wanted):
                        return number
                since = len(self.events)
                rest = deadline - time.monotonic()
                if rest <= 0 or not self.changed.wait(rest):
                    raise TimeoutError(f"{wanted} did not happen within {seconds} s")

    def press(self, line: int) -> None:
        pull = self.gpio / f"sim_gpio{line}/pull"
        pull.write_text("pull-down")
        time.sleep(0.1)
        pull.write_text("pull-up")


def perform(scene: Scene, steps: list[list[Any]]) -> str:
    """Carry out the steps; what went wrong, or nothing."""
    since = 0
    for step in steps:
        scene.steps.append((scene.now(), step))
        try:
            match step:
                case ["play", name]:
                    since = len(scene.events)
                    scene.play(name)
                case ["heard"]:
                    scene.heard()
                case ["phase", phase, seconds]:
                    since = scene.wait_for(since, seconds, {"phase": phase})
                case ["event", values, seconds]:
                    since = scene.wait_for(since, seconds, values)
                case ["press", line]:
                    since = len(scene.events)
                    scene.press(line)
                case ["sleep", seconds]:
                    time.sleep(seconds)
                case ["shell", command]:
                    since = len(scene.events)
                    subprocess.run(["bash", "-c", command], check=True)
                case _:
                    return f"unknown step {step}"
        except (TimeoutError, subprocess.CalledProcessError) as error:
            return str(error)
    return ""


def overruns() -> int:
    """How often the speaker's card lost what was captured; 0 while there is no speaker."""
    asking = [str(Path(__file__).with_name("ask.py")), "status", "1"]
    with contextlib.suppress(subprocess.SubprocessError, ValueError, KeyError):
        told = subprocess.run(asking, capture_output=True, timeout=5, check=True).stdout
        return int(json.loads(told)["overruns"])
    return 0


def main() -> None:
    scene = Scene()
    before = overruns()
    card = ["arecord", "-q", "-D", ROOM, "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(RATE_HZ)]
    with subprocess.Popen([*card, "--period-time=10000", "--buffer-time=400000"], stdout=subprocess.PIPE) as recorder:
        workers = [
            threading.Thread(target=scene.follow, daemon=True),
            threading.Thread(target=scene.watch_led, daemon=True),
            threading.Thread(target=scene.record, args=(recorder, Path("/run/scene.raw")), daemon=True),
        ]
        for worker in workers:
            worker.start()
        problem = perform(scene, json.loads(sys.argv[1]))
        scene.lost = overruns() - before
        scene.is_over = True
        recorder.terminate()
    told = {name: getattr(scene, name) for name in ("events", "sound", "led", "steps", "lost")}
    json.dump({"problem": problem, **told}, sys.stdout)


main()
