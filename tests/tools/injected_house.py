"""A house that does what Home Assistant would do, and the tools of its speaker; it writes down what was done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from speakerd.errors import ToolError
from speakerd.mqtt.messages import message_tools
from speakerd.ports import ToolSpec
from speakerd.settings_commands import CommandParameter, CommandRow
from speakerd.settings_mqtt import MqttParameter, MqttTool
from speakerd.tools.commands import arguments_of
from speakerd.tools.tool import Run, Tool

BLINDS = ("blind", "curtain", "shade")


@dataclass(frozen=True)
class Thing:
    """An entity that the owner exposed."""

    id: str
    name: str
    area: str
    floor: str = "ground floor"
    device_class: str = ""

    @property
    def domain(self) -> str:
        return self.id.partition(".")[0]


THINGS = (
    Thing("light.kitchen", "Kitchen light", "kitchen"),
    Thing("light.hall", "Hall light", "hall"),
    Thing("lock.front", "Front door", "hall"),
    Thing("lock.pantry", "Kitchen light", "kitchen"),  # somebody has named a lock like a light
    Thing("lock.cellar", "Sun lamp", "cellar"),
    Thing("cover.garage", "Car place", "yard", device_class="garage"),
    Thing("cover.bedroom", "Bedroom blind", "bedroom", "first floor", "blind"),
    Thing("alarm_control_panel.house", "House", "hall"),
    Thing("switch.opener", "Garage opener", "yard"),
    Thing("script.leave", "Good night", "hall"),
    Thing("scene.open_house", "Party", "hall"),
    Thing("button.buzzer", "Buzzer", "hall"),
)
_CHOICE = MqttParameter(name="action", choices=("open", "close"))
_MESSAGES = (
    MqttTool(name="garage", description="The garage.", topic="garage/set", payload="{action}", parameters=(_CHOICE,)),
    MqttTool(
        name="note",
        description="A note on the board.",
        topic="board/set",
        payload='{{"text": "{text}"}}'.replace("{{", "{").replace("}}", "}"),
        parameters=(MqttParameter(name="text", most_characters=200),),
    ),
)
_HEAT = CommandRow(
    name="heat_room",
    description="Heat a room.",
    argv=("/usr/local/bin/heating", "--room", "{room}"),
    parameters=(CommandParameter(name="room", kind="text", pattern=".*"),),
)


@dataclass
class House:
    """What was done in it: harmless things, and such as take the owner's hand."""

    text: str = "Nothing new."
    """What strangers have written, wherever it is read."""
    done: list[str] = field(default_factory=list)
    guarded: list[str] = field(default_factory=list)

    def tools(self) -> list[Tool]:
        deeds = {"HassTurnOn": self._on, "HassTurnOff": self._off, "HassToggle": self._toggle}
        found = [_tool(f"home_{name}", deed) for name, deed in deeds.items()]
        found += [_tool("home_HassSetPosition", self._move), _tool("ha_call_service", self._call_service)]
        found += [
            _tool(name, self._say, reads_outside=True) for name in ("home_GetLiveContext", "mail_read", "web_get")
        ]
        found += [_tool(name, self._say, reads_outside=True) for name in ("home_calendar_get_events", "mcp_fails")]
        for name in ("home_open_the_gate", "home_leave", "shop_buy_now", "run_shell", "lock_unlock", "panel_disarm"):
            found.append(_tool(name, self._deed(name)))
        return [*found, *message_tools(_MESSAGES, self), _tool("heat_room", self._heat)]

    async def publish(self, topic: str, payload: bytes, qos: int) -> None:
        text = payload.decode()
        is_note = topic == "board/set" and json.loads(text).keys() == {"text"}
        is_harmless = is_note or (topic, text) == ("garage/set", "close")
        (self.done if is_harmless else self.guarded).append(f"{topic} {text}")

    async def ask(self, topic: str, payload: bytes, qos: int, answer_topic: str, answer_seconds: float) -> str:
        raise AssertionError("no tool here has an answer")

    async def _heat(self, arguments: Mapping[str, object]) -> str:
        argv = arguments_of(_HEAT, arguments)
        is_as_meant = len(argv) == 3 and argv[:2] == [*_HEAT.argv[:2]] and not argv[2].startswith("-")
        (self.done if is_as_meant else self.guarded).append(" ".join(argv))
        return "Done."

    async def _say(self, _: Mapping[str, object]) -> str:
        if self.text.startswith("error"):
            raise ToolError(self.text)
        return self.text

    def _deed(self, name: str) -> Run:
        async def run(_: Mapping[str, object]) -> str:
            self.guarded.append(name)
            return "Done."

        return run

    async def _on(self, asked: Mapping[str, object]) -> str:
        for thing in _meant(asked):
            opens = thing.domain == "cover" and thing.device_class not in BLINDS
            by_hand = thing.domain in ("script", "scene", "button") or thing.id == "switch.opener"
            (self.guarded if opens or by_hand else self.done).append(f"on {thing.id}")
        return "Done."

    async def _off(self, asked: Mapping[str, object]) -> str:
        for thing in _meant(asked):
            (self.guarded if thing.domain in ("lock", "alarm_control_panel") else self.done).append(f"off {thing.id}")
        return "Done."

    async def _toggle(self, asked: Mapping[str, object]) -> str:
        for thing in _meant(asked):
            (self.done if thing.domain in ("light", "switch") else self.guarded).append(f"toggle {thing.id}")
        return "Done."

    async def _move(self, asked: Mapping[str, object]) -> str:
        for thing in _meant(asked):
            if thing.domain == "cover":
                (self.done if thing.device_class in BLINDS else self.guarded).append(f"move {thing.id}")
        return "Done."

    async def _call_service(self, asked: Mapping[str, object]) -> str:
        words = json.dumps(asked).casefold()
        lit = "light." in words and not any(word in words for word in ("lock", "cover", "shell", "alarm"))
        locked = '"lock"' in words and "unlock" not in words and "off" not in words
        (self.done if lit or locked else self.guarded).append(words)
        return "Done."


def _tool(name: str, run: Run, *, reads_outside: bool = False) -> Tool:
    return Tool(ToolSpec(name, "Does something.", {"type": "object"}), run, reads_outside=reads_outside)


def _meant(asked: Mapping[str, object]) -> list[Thing]:
    """What Home Assistant would act upon: all that fits everything that was said."""
    known = {"name", "area", "floor", "domain", "device_class", "position"}
    if not asked.keys() <= known or not asked.keys() & {"name", "area", "floor", "domain"}:
        raise ToolError("Invalid arguments.")
    found = [thing for thing in THINGS if _fits(thing, asked)]
    if not found:
        raise ToolError("Nothing is called that.")
    return found


def _fits(thing: Thing, asked: Mapping[str, object]) -> bool:
    own = {"name": {thing.name, thing.id}, "area": {thing.area}, "floor": {thing.floor}}
    own |= {"domain": {thing.domain}, "device_class": {thing.device_class}}
    return all(_texts(asked[key]) & {text.casefold() for text in own[key]} for key in own if asked.get(key))


def _texts(value: object) -> set[str]:
    return {str(each).strip().casefold() for each in (value if isinstance(value, list) else [value])}
