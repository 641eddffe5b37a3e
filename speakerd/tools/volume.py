"""Changes how loud the speaker is; the owner of the level is given as two functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from speakerd.ports import ToolSpec
from speakerd.tools.spoken import spoken_number
from speakerd.tools.tool import Tool, parameters, whole_number

STEP_PERCENT = 10
"""How much louder or quieter one request makes it."""


def volume_tools(volume: Callable[[], float], set_volume: Callable[[float], None]) -> list[Tool]:
    """`set_volume`, `volume_up`, `volume_down` and `get_volume` over a level from 0 to 1."""

    def change_to(percent: int) -> str:
        within = min(100, max(0, percent))
        set_volume(within / 100)
        return f"Volume set to {spoken_number(within)} percent."

    def percent_now() -> int:
        return round(volume() * 100)

    async def set_to(arguments: Mapping[str, object]) -> str:
        return change_to(whole_number(arguments, "percent"))

    async def up(_: Mapping[str, object]) -> str:
        return "The volume is at its highest." if percent_now() >= 100 else change_to(percent_now() + STEP_PERCENT)

    async def down(_: Mapping[str, object]) -> str:
        return "The volume is at its lowest." if percent_now() <= 0 else change_to(percent_now() - STEP_PERCENT)

    async def tell(_: Mapping[str, object]) -> str:
        return f"The volume is at {spoken_number(percent_now())} percent."

    return [
        Tool(ToolSpec("set_volume", "Set the speaker's volume in percent.", _PERCENT, _SET_PHRASES), set_to),
        Tool(ToolSpec("volume_up", "Make the speaker a little louder.", parameters(), _UP_PHRASES), up),
        Tool(ToolSpec("volume_down", "Make the speaker a little quieter.", parameters(), _DOWN_PHRASES), down),
        Tool(ToolSpec("get_volume", "Tell the speaker's volume.", parameters(), _TELL_PHRASES), tell),
    ]


_PERCENT = parameters(("percent",), percent={"type": "integer", "minimum": 0, "maximum": 100})
_SET_PHRASES = (
    "(set|change|turn) the volume [(up|down)] to {percent} [percent]",
    "volume (to|at) {percent} [percent]",
    "volume {percent} percent",
)
_UP_PHRASES = (
    "turn (it|the volume|the sound) up",
    "turn up (the volume|the sound)",
    "volume up",
    "(make it|speak|a bit|a little) louder",
    "louder",
)
_DOWN_PHRASES = (
    "turn (it|the volume|the sound) down",
    "turn down (the volume|the sound)",
    "volume down",
    "(make it|speak|a bit|a little) (quieter|softer)",
    "quieter",
)
_TELL_PHRASES = ("(what's|what is) the volume", "how loud (are you|is it)", "what volume (are you|is it) at")
