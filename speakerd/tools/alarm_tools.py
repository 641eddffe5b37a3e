"""The alarms, and what rings, as tools."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time

from speakerd.errors import ToolError
from speakerd.ports import ToolSpec
from speakerd.tools.alarm_days import REPEATS
from speakerd.tools.alarms import Alarms
from speakerd.tools.bells import SNOOZE_MINUTES, Bells
from speakerd.tools.tool import Tool, parameters, whole_number


def alarm_tools(alarms: Alarms) -> list[Tool]:
    """`set_alarm`, `cancel_alarm`, `cancel_all_alarms` and `check_alarms`."""

    async def start(arguments: Mapping[str, object]) -> str:
        days = REPEATS[str(arguments.get("repeat", "once"))]
        return alarms.set(_time(arguments), days, str(arguments.get("label", "")))

    async def cancel(arguments: Mapping[str, object]) -> str:
        at = _time(arguments) if "hour" in arguments else None
        return alarms.cancel(str(arguments.get("label", "")), at)

    async def cancel_all(_: Mapping[str, object]) -> str:
        return alarms.cancel_all()

    async def check(_: Mapping[str, object]) -> str:
        return alarms.report()

    which = parameters((), hour=_HOUR, minute=_MINUTE, half=_HALF, label=_LABEL)
    return [
        Tool(ToolSpec("set_alarm", _SET_DESCRIPTION, _SET_PARAMETERS, _SET_PHRASES), start),
        Tool(ToolSpec("cancel_alarm", _CANCEL_DESCRIPTION, which, _CANCEL_PHRASES), cancel),
        Tool(ToolSpec("cancel_all_alarms", "Cancel all alarms.", parameters(), _CANCEL_ALL_PHRASES), cancel_all),
        Tool(ToolSpec("check_alarms", "Tell which alarms are set.", parameters(), _CHECK_PHRASES), check),
    ]


def ringing_tools(bells: Bells) -> list[Tool]:
    """`snooze` and `stop_ringing`."""

    async def snooze(arguments: Mapping[str, object]) -> str:
        return bells.snooze(whole_number(arguments, "minutes", SNOOZE_MINUTES))

    async def stop(_: Mapping[str, object]) -> str:
        return bells.stop()

    minutes = {"type": "integer", "minimum": 1, "maximum": 60}
    later = parameters((), minutes=minutes)
    return [
        Tool(ToolSpec("snooze", _SNOOZE_DESCRIPTION, later, _SNOOZE_PHRASES), snooze),
        Tool(ToolSpec("stop_ringing", "Silence the alarm or timer that rings now.", parameters(), _STOP_PHRASES), stop),
    ]


def _time(arguments: Mapping[str, object]) -> time:
    hour = whole_number(arguments, "hour")
    half = arguments.get("half")
    if half is not None:
        if not 1 <= hour <= 12:
            raise ToolError("Send the hour from 0 to 23 without a half of the day, or from 1 to 12 with one.")
        hour = hour % 12 + (12 if half in _SECOND_HALF else 0)
    return time(hour, whole_number(arguments, "minute", 0))


_SECOND_HALF = ("pm", "afternoon", "evening")
_HOUR = {"type": "integer", "minimum": 0, "maximum": 23}
_MINUTE = {"type": "integer", "minimum": 0, "maximum": 59}
_HALF = {
    "type": "string",
    "enum": ["am", "pm", "morning", "afternoon", "evening"],
    "description": "Only with an hour from 1 to 12.",
}
_LABEL = {
    "type": "string",
    "description": "What the alarm is for, if the user says so.",
    "examples": ["school", "work", "gym", "medicine", "breakfast"],
}
_REPEAT = {"type": "string", "enum": list(REPEATS)}

_SET_DESCRIPTION = "Set an alarm that rings at a time of day, once or on the days of repeat."
_SET_PARAMETERS = parameters(("hour",), hour=_HOUR, minute=_MINUTE, half=_HALF, repeat=_REPEAT, label=_LABEL)
_CANCEL_DESCRIPTION = "Cancel an alarm; without time and label the only one that is set."
_SNOOZE_DESCRIPTION = f"Let the alarm or timer that rings, or has just rung, ring again in {SNOOZE_MINUTES} minutes."

_PART = "[({half}|{half=am a m}|{half=pm p m}|in the {half})]"
_TIMES = (
    f"{{hour}} [(oh|o)] {{minute}} {_PART}",
    f"{{hour}} [o'clock] {_PART}",
    f"({{minute}}|{{minute=30 half}}|[a] {{minute=15 quarter}}) past {{hour}} {_PART}",
)
_OFTEN = ("", " [on] {repeat}")
_SET_PHRASES = (
    *(f"wake me [up] at {time}{often}" for time in _TIMES for often in _OFTEN),
    *(f"(set|make) (an|the|my) alarm (for|at) {time}{often}" for time in _TIMES for often in _OFTEN),
    *(f"(set|make) (a|an|the|my) {{label}} alarm (for|at) {time}{often}" for time in _TIMES for often in _OFTEN),
    *(f"wake me [up] {{repeat}} at {time}" for time in _TIMES),
)
_CANCEL_PHRASES = (
    "(cancel|delete|remove|turn off) [(the|my)] alarm",
    "(cancel|delete|remove|turn off) (the|my) {label} alarm",
    *(f"(cancel|delete|remove|turn off) (the|my) {time} alarm" for time in _TIMES[:-1]),
    *(f"(cancel|delete|remove|turn off) (the|my) alarm (for|at) {time}" for time in _TIMES),
)
_CANCEL_ALL_PHRASES = ("(cancel|delete|remove|turn off) (all|all the|all my) alarms",)
_CHECK_PHRASES = (
    "(what|which) alarms (are set|do i have)",
    "(are there|do i have) any alarms",
    "when (is|will) (the|my) [next] alarm [ring]",
    "(check|list) [(the|my)] alarms",
)
_SNOOZE_PHRASES = (
    "snooze [(the|my) alarm] [for {minutes} (minute|minutes)]",
    "{minutes} more minutes",
    "wake me [up] again in {minutes} (minute|minutes)",
)
_STOP_PHRASES = ("stop (the alarm|ringing|the ringing)", "(silence|quiet) the alarm")
