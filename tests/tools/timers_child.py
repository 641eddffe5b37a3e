"""Forks speakers with timers and an alarm that live fast until they are killed: one for each line of stdin.

A line is the folder, how long the wall clock is ahead of a fixed day, and how many timers to set. Each says its pid and
then what it did, after it was done; of silencing also that it begins. A process of its own, so that no thread of the
tests is forked.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from datetime import UTC, time
from pathlib import Path

from speakerd.core.events import AlarmRang, Event
from speakerd.errors import ToolError
from speakerd.tools.alarm_days import REPEATS
from speakerd.tools.alarms import Alarms
from speakerd.tools.timers import Timers
from tools_kitchen import FakeTime

BEGIN = 1_800_000_000.0
RINGING_SECONDS = 5.0
LAST_SECONDS = 200
"""How long the one lives that sets nothing and is not killed."""


def say(*words: object) -> None:
    os.write(1, " ".join(map(str, words)).encode() + b"\n")


def live(folder: Path, ahead_seconds: float, wanted: int) -> None:
    """Set timers, let time pass by the second, silence what has rung for a while; then live on without new ones."""
    clocks = FakeTime(BEGIN + ahead_seconds)
    ringing: dict[str, float] = {}

    def ring(event: Event) -> None:
        assert isinstance(event, AlarmRang)
        say("rang", event.alarm.replace(" ", "_"))
        ringing[event.alarm] = clocks.wall

    timers = Timers(folder / "timers.json", ring, clocks, clocks.wall_clock)
    alarms = Alarms(folder / "alarms.json", ring, clocks, clocks.wall_clock, UTC)
    lives_on = itertools.count() if wanted else range(LAST_SECONDS)
    for number in lives_on:
        if number < wanted:
            set_two(timers, alarms, f"x{os.getpid()}x{number}x", clocks.wall)
        clocks.advance(1)
        say("time", clocks.wall - BEGIN)
        for name in [name for name, since in ringing.items() if clocks.wall - since >= RINGING_SECONDS]:
            say("silencing", name.replace(" ", "_"))
            timers.silenced({name})
            alarms.silenced({name})
            del ringing[name]
            say("silenced", name.replace(" ", "_"))


def set_two(timers: Timers, alarms: Alarms, name: str, wall: float) -> None:
    """A timer for some seconds, and an alarm at the next full minute, unless there are too many already."""
    with contextlib.suppress(ToolError):
        timers.set(5 + int(wall) % 7, name)
        say("set", f"{name}_timer")
    minute = int(wall // 60 + 1) % 1440
    with contextlib.suppress(ToolError):
        alarms.set(time(minute // 60, minute % 60), REPEATS["once"], name)
        say("set", f"{name}_alarm")


def main() -> None:
    for line in sys.stdin:
        folder, ahead_seconds, wanted = line.split()
        child = os.fork()
        if not child:
            say(os.getpid())
            live(Path(folder), float(ahead_seconds), int(wanted))
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"over\n")


if __name__ == "__main__":
    main()
