"""What changes from turn to turn, in words for the model; told at the tail, so that all before it stays cached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from speakerd.tools.alarms import Alarms
from speakerd.tools.clock import FIRST_YEAR, local_now
from speakerd.tools.timers import Timers


def changing_facts(timers: Timers, alarms: Alarms, now: Callable[[], datetime] = local_now) -> str:
    """Date and time, unless the clock has not been set, the timers that run and the alarms that are set."""
    moment = now()
    known = [f"Now it is {moment:%A, %d %B %Y, %H:%M}."] if moment.year >= FIRST_YEAR else []
    return " ".join([*known, timers.report(), *([alarms.report()] if alarms.are_set else [])])
