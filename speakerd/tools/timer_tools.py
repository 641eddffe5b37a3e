"""The timers as tools."""

from __future__ import annotations

from collections.abc import Mapping

from speakerd.ports import ToolSpec
from speakerd.tools.timers import Timers
from speakerd.tools.tool import Tool, parameters, whole_number


def timer_tools(timers: Timers) -> list[Tool]:
    """`set_timer`, `cancel_timer`, `cancel_all_timers` and `check_timers`."""

    async def start(arguments: Mapping[str, object]) -> str:
        hours, minutes, seconds = (whole_number(arguments, unit, 0) for unit in ("hours", "minutes", "seconds"))
        return timers.set((hours * 60 + minutes) * 60 + seconds, _label(arguments))

    async def cancel(arguments: Mapping[str, object]) -> str:
        return timers.cancel(_label(arguments))

    async def cancel_all(_: Mapping[str, object]) -> str:
        return timers.cancel_all()

    async def check(arguments: Mapping[str, object]) -> str:
        return timers.report(_label(arguments))

    return [
        Tool(ToolSpec("set_timer", _SET_DESCRIPTION, _SET_PARAMETERS, _SET_PHRASES), start),
        Tool(ToolSpec("cancel_timer", _CANCEL_DESCRIPTION, parameters((), label=_LABEL), _CANCEL_PHRASES), cancel),
        Tool(ToolSpec("cancel_all_timers", "Cancel all timers.", parameters(), _CANCEL_ALL_PHRASES), cancel_all),
        Tool(ToolSpec("check_timers", _CHECK_DESCRIPTION, parameters((), label=_LABEL), _CHECK_PHRASES), check),
    ]


def _label(arguments: Mapping[str, object]) -> str:
    return str(arguments.get("label", ""))


_SET_DESCRIPTION = (
    "Start a kitchen timer that rings after the hours, minutes and seconds added up. "
    "Several may run; setting a label again restarts its timer."
)
_CANCEL_DESCRIPTION = "Cancel a timer; without a label the only one that runs."
_CHECK_DESCRIPTION = "Tell the time left of all timers, or of the one with the label."

_LABEL = {
    "type": "string",
    "description": "What the timer is for.",
    "examples": ["pasta", "egg", "tea", "pizza", "rice", "oven", "cake", "laundry", "kitchen"],
}
_SET_PARAMETERS = parameters(
    (),
    hours={"type": "integer", "minimum": 0, "maximum": 24},
    minutes={"type": "integer", "minimum": 0, "maximum": 1440},
    seconds={"type": "integer", "minimum": 0, "maximum": 86400},
    label=_LABEL,
)

_DURATIONS = (
    "{seconds} (second|seconds)",
    "{minutes} (minute|minutes)",
    "{hours} (hour|hours)",
    "{minutes} (minute|minutes) [and] {seconds} (second|seconds)",
    "{hours} (hour|hours) [and] {minutes} (minute|minutes)",
)
_SET_PHRASES = (
    *(f"(set|start) [(a|the)] timer for {duration}" for duration in _DURATIONS),
    *(f"(set|start) (a|an|the|my) {{label}} timer for {duration}" for duration in _DURATIONS),
    *(f"(set|start) [(a|the)] timer for {duration} for [(the|my)] {{label}}" for duration in _DURATIONS),
    *(f"timer for {duration}" for duration in _DURATIONS),
    "(set|start) (a|an) {minutes} minute timer",
    "(set|start) (a|an) {seconds} second timer",
    "(set|start) (a|an) {hours} hour timer",
)
_CANCEL_PHRASES = (
    "(cancel|stop|delete|turn off) [(the|my)] timer",
    "(cancel|stop|delete|turn off) (the|my) {label} timer",
)
_CANCEL_ALL_PHRASES = ("(cancel|stop|delete) (all|all the|all my) timers",)
_CHECK_PHRASES = (
    "how (much time|long) is left",
    "how (much time|long) is left on (the|my) (timer|timers)",
    "how (much time|long) is left on (the|my) {label} timer",
    "how (much time|long) (does|has) (the|my) {label} timer (have|got) left",
    "(what|which) timers (are running|do i have)",
    "(are there|do i have) any timers",
    "(check|list) [(the|my)] timers",
)
