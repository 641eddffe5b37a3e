"""Tells the time and the date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time

from speakerd.errors import ToolError
from speakerd.ports import ToolSpec
from speakerd.tools.tool import Tool, parameters

FIRST_YEAR = 2025
"""A Pi has no clock of its own: an earlier year means that the network has not set it yet."""
NOT_SET = "I do not know the time: the clock has not been set by the network yet."


def local_now() -> datetime:
    """The time in the machine's time zone."""
    return datetime.now().astimezone()


def spoken_time(moment: datetime | time) -> str:
    """The time of day, as `7:05 AM`."""
    return f"{moment.hour % 12 or 12}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"


def clock_tools(now: Callable[[], datetime] = local_now) -> list[Tool]:
    """`get_time` and `get_date`."""

    def current() -> datetime:
        moment = now()
        if moment.year < FIRST_YEAR:
            raise ToolError(NOT_SET)
        return moment

    async def get_time(_: Mapping[str, object]) -> str:
        return f"It is {spoken_time(current())}."

    async def get_date(_: Mapping[str, object]) -> str:
        moment = current()
        return f"Today is {moment:%A}, {moment:%B} the {_ordinal(moment.day)}, {moment.year}."

    time_spec = ToolSpec("get_time", "Tell the current local time.", parameters(), _TIME_PHRASES)
    date_spec = ToolSpec("get_date", "Tell today's date and day of the week.", parameters(), _DATE_PHRASES)
    return [Tool(time_spec, get_time), Tool(date_spec, get_date)]


def _ordinal(number: int) -> str:
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


_TIME_PHRASES = (
    "(what time is it|what's the time|what is the time) [now]",
    "tell me the time",
    "(do you know|can you tell me) (the time|what time it is)",
)
_DATE_PHRASES = (
    "(what's|what is) (the date|today's date) [today]",
    "(what date|what day|which day) is (it|today)",
    "what day of the week is (it|today)",
    "tell me the date",
)
