"""A pretended home with lights in four rooms, for the demo: it shows what a real one would offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from speakerd.errors import ToolError
from speakerd.ports import ToolSpec
from speakerd.tools.spoken import spoken_list, spoken_number
from speakerd.tools.tool import Tool, parameters

ROOMS = ("kitchen", "living room", "bedroom", "hall")


@dataclass(frozen=True, slots=True)
class Lamp:
    """The light of one room."""

    is_on: bool = False
    brightness_percent: int = 100
    """From 1 to 100; kept while the light is off."""


class DemoHome:
    """The lights, all off at first."""

    def __init__(self) -> None:
        self.lamps = dict.fromkeys(ROOMS, Lamp())
        """The light of each room."""

    def tools(self) -> list[Tool]:
        """`set_light`, `set_all_lights` and `get_lights`."""
        return [
            Tool(ToolSpec("set_light", _SET_DESCRIPTION, _SET_PARAMETERS, _SET_PHRASES), self._set_light),
            Tool(ToolSpec("set_all_lights", _ALL_DESCRIPTION, _ALL_PARAMETERS, _ALL_PHRASES), self._set_all_lights),
            Tool(ToolSpec("get_lights", _GET_DESCRIPTION, _GET_PARAMETERS, _GET_PHRASES), self._get_lights),
        ]

    async def _set_light(self, arguments: Mapping[str, object]) -> str:
        match arguments:
            case {"power": "off", "brightness_percent": _}:
                raise ToolError("A light that is switched off has no brightness: send power or brightness_percent.")
            case {"room": str(room), "brightness_percent": int(percent)}:
                self.lamps[room] = Lamp(is_on=True, brightness_percent=percent)
            case {"room": str(room), "power": power}:
                self.lamps[room] = replace(self.lamps[room], is_on=power == "on")
            case _:
                raise ToolError("Say what to do with the light: send power or brightness_percent.")
        return self._report(room)

    async def _set_all_lights(self, arguments: Mapping[str, object]) -> str:
        power = arguments["power"]
        for room, lamp in self.lamps.items():
            self.lamps[room] = replace(lamp, is_on=power == "on")
        return f"All lights are {power}."

    async def _get_lights(self, arguments: Mapping[str, object]) -> str:
        room = arguments.get("room")
        if isinstance(room, str):
            return self._report(room)
        lit = [room for room, lamp in self.lamps.items() if lamp.is_on]
        if len(lit) in (0, len(self.lamps)):
            return f"All lights are {'on' if lit else 'off'}."
        if len(lit) == 1:
            return f"Only the {lit[0]} light is on."
        return f"The lights in the {spoken_list(lit)} are on."

    def _report(self, room: str) -> str:
        lamp = self.lamps[room]
        if not lamp.is_on:
            return f"The {room} light is off."
        dimmed = f" at {spoken_number(lamp.brightness_percent)} percent" if lamp.brightness_percent < 100 else ""
        return f"The {room} light is on{dimmed}."


_ROOM = {"type": "string", "enum": list(ROOMS)}
_POWER = {"type": "string", "enum": ["on", "off"]}
_BRIGHTNESS = {"type": "integer", "minimum": 1, "maximum": 100}

_SET_DESCRIPTION = "Switch the light of one room on or off, or dim it. A brightness switches it on."
_SET_PARAMETERS = parameters(("room",), room=_ROOM, power=_POWER, brightness_percent=_BRIGHTNESS)
_SET_PHRASES = (
    "(turn|switch|put) {power} the {room} (light|lights|lamp)",
    "(turn|switch|put) the {room} (light|lights|lamp) {power}",
    "(turn|switch|put) {power} the (light|lights|lamp) in the {room}",
    "(turn|switch|put) the (light|lights|lamp) in the {room} {power}",
    "[the] {room} (light|lights|lamp) {power}",
    "(dim|set|turn|brighten) the {room} (light|lights|lamp) [(down|up)] to {brightness_percent} [percent]",
    "(dim|set|turn) the (light|lights|lamp) in the {room} [(down|up)] to {brightness_percent} [percent]",
    "[the] {room} (light|lights|lamp) (to|at) {brightness_percent} [percent]",
)
_ALL_DESCRIPTION = "Switch the lights of all rooms on or off."
_ALL_PARAMETERS = parameters(("power",), power=_POWER)
_ALL_PHRASES = (
    "(turn|switch|put) {power} (all|all the|all of the|every) (lights|light)",
    "(turn|switch|put) (all|all the|all of the|every) (lights|light) {power}",
    "(turn|switch) (everything|the lights) {power}",
    "(turn|switch) {power} (everything|the lights)",
    "all lights {power}",
    "lights {power}",
)
_GET_DESCRIPTION = "Tell which lights are on, or the state of one room's light."
_GET_PARAMETERS = parameters((), room=_ROOM)
_GET_PHRASES = (
    "(which|what) lights are (on|off)",
    "are (any|all|the) lights (on|off)",
    "is any light [still] on",
    "(is|are) the {room} (light|lights|lamp) (on|off)",
    "is the (light|lamp) in the {room} (on|off)",
)
