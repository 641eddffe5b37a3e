"""What the everyday tools answer, driven as the model drives them: by name and JSON."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

import pytest

from speakerd.core.events import Event, ToolFinished
from speakerd.core.state import END_CONVERSATION
from speakerd.tools.clock import local_now
from speakerd.tools.everyday import everyday_tools
from speakerd.tools.home import DemoHome
from speakerd.tools.registry import ToolRunner
from speakerd.tools.timers import Timers


class House:
    """A speaker with a pretended home; `ask` calls a tool and returns its output."""

    def __init__(self, folder: Path, now: datetime = datetime(2026, 11, 23, 15, 5), volume: float = 0.7) -> None:
        self.volume = volume
        self._answers: asyncio.Queue[Event] = asyncio.Queue()
        timers = Timers(folder / "timers.json", self._answers.put_nowait, asyncio.get_running_loop())
        tools = everyday_tools(timers, lambda: self.volume, self._set_volume, home=DemoHome(), now=lambda: now)
        self.runner = ToolRunner(tools, self._answers.put_nowait, deadline_seconds=5)

    async def ask(self, name: str, arguments: str = "{}") -> str:
        self.runner.run(1, "call", name, arguments)
        async with asyncio.timeout(5):
            event = await self._answers.get()
        assert isinstance(event, ToolFinished)
        return event.output

    def _set_volume(self, level: float) -> None:
        self.volume = level


@pytest.mark.parametrize(
    ("now", "time", "date"),
    [
        (datetime(2026, 11, 23, 15, 5), "It is 3:05 PM.", "Today is Monday, November the 23rd, 2026."),
        (datetime(2027, 1, 1, 0, 0), "It is 12:00 AM.", "Today is Friday, January the 1st, 2027."),
        (datetime(2026, 12, 12, 12, 59), "It is 12:59 PM.", "Today is Saturday, December the 12th, 2026."),
        (datetime(2028, 2, 29, 11, 1), "It is 11:01 AM.", "Today is Tuesday, February the 29th, 2028."),
        (datetime(2026, 6, 2, 23, 0), "It is 11:00 PM.", "Today is Tuesday, June the 2nd, 2026."),
        (datetime(2026, 6, 11, 1, 0), "It is 1:00 AM.", "Today is Thursday, June the 11th, 2026."),
    ],
)
async def test_time_and_date(tmp_path: Path, now: datetime, time: str, date: str) -> None:
    house = House(tmp_path, now)
    assert await house.ask("get_time") == time
    assert await house.ask("get_date") == date


async def test_a_clock_that_nobody_set_is_said_to_be_unset(tmp_path: Path) -> None:
    house = House(tmp_path, datetime(1970, 1, 1))
    unset = "error: I do not know the time: the clock has not been set by the network yet."
    assert await house.ask("get_time") == await house.ask("get_date") == unset


def test_the_clock_is_the_machine_s_with_its_time_zone() -> None:
    assert local_now().utcoffset() is not None


@pytest.mark.parametrize(
    ("before", "name", "arguments", "said", "after"),
    [
        (0.7, "set_volume", '{"percent": 45}', "Volume set to forty five percent.", 0.45),
        (0.7, "set_volume", '{"percent": 0}', "Volume set to zero percent.", 0.0),
        (0.7, "set_volume", '{"percent": 101}', 'error: "percent" must be at most 100.', 0.7),
        (0.7, "set_volume", "{}", 'error: The parameter "percent" is missing.', 0.7),
        (0.7, "volume_up", "{}", "Volume set to eighty percent.", 0.8),
        (0.95, "volume_up", "{}", "Volume set to one hundred percent.", 1.0),
        (1.0, "volume_up", "{}", "The volume is at its highest.", 1.0),
        (0.7, "volume_down", "{}", "Volume set to sixty percent.", 0.6),
        (0.04, "volume_down", "{}", "Volume set to zero percent.", 0.0),
        (0.0, "volume_down", "{}", "The volume is at its lowest.", 0.0),
        (0.29, "get_volume", "{}", "The volume is at twenty nine percent.", 0.29),
    ],
)
async def test_volume(tmp_path: Path, before: float, name: str, arguments: str, said: str, after: float) -> None:
    house = House(tmp_path, volume=before)
    assert await house.ask(name, arguments) == said
    assert house.volume == after


@pytest.mark.parametrize(
    "story",
    [
        [
            ("get_lights", "{}", "All lights are off."),
            ("set_light", '{"room": "kitchen", "power": "on"}', "The kitchen light is on."),
            ("get_lights", "{}", "Only the kitchen light is on."),
            ("set_light", '{"room": "hall", "power": "on"}', "The hall light is on."),
            ("get_lights", "{}", "The lights in the kitchen and hall are on."),
            ("set_light", '{"room": "kitchen", "power": "off"}', "The kitchen light is off."),
            ("get_lights", '{"room": "kitchen"}', "The kitchen light is off."),
            ("get_lights", "{}", "Only the hall light is on."),
        ],
        [
            (
                "set_light",
                '{"room": "living room", "brightness_percent": 30}',
                "The living room light is on at thirty percent.",
            ),
            ("set_light", '{"room": "living room", "power": "off"}', "The living room light is off."),
            ("set_light", '{"room": "living room", "power": "on"}', "The living room light is on at thirty percent."),
            (
                "set_light",
                '{"room": "living room", "power": "on", "brightness_percent": 100}',
                "The living room light is on.",
            ),
        ],
        [
            ("set_all_lights", '{"power": "on"}', "All lights are on."),
            ("get_lights", "{}", "All lights are on."),
            ("set_light", '{"room": "bedroom", "power": "off"}', "The bedroom light is off."),
            ("get_lights", "{}", "The lights in the kitchen, living room and hall are on."),
            ("set_all_lights", '{"power": "off"}', "All lights are off."),
        ],
        [
            (
                "set_light",
                '{"room": "kitchen"}',
                "error: Say what to do with the light: send power or brightness_percent.",
            ),
            (
                "set_light",
                '{"room": "kitchen", "power": "off", "brightness_percent": 50}',
                "error: A light that is switched off has no brightness: send power or brightness_percent.",
            ),
            (
                "set_light",
                '{"room": "garage", "power": "on"}',
                'error: "room" must be one of kitchen, living room, bedroom, hall.',
            ),
            ("set_light", '{"room": "hall", "power": "ON"}', 'error: "power" must be one of on, off.'),
            (
                "set_light",
                '{"room": "hall", "brightness_percent": 0}',
                'error: "brightness_percent" must be at least 1.',
            ),
            ("get_lights", "{}", "All lights are off."),
        ],
        [
            ("set_timer", '{"minutes": 5}', "Timer set for five minutes."),
            (
                "set_timer",
                '{"hours": 1, "minutes": 30, "label": "roast"}',
                "Roast timer set for one hour and thirty minutes.",
            ),
            ("cancel_timer", '{"label": "roast"}', "The roast timer is cancelled."),
            ("check_timers", "{}", "The five minute timer has five minutes left."),
            ("cancel_timer", "{}", "The five minute timer is cancelled."),
            ("cancel_timer", "{}", "error: No timer is running."),
            ("cancel_all_timers", "{}", "No timer is running."),
            ("set_timer", "{}", "error: A timer can run for one second to 24 hours: say for how long."),
            ("set_timer", '{"label": 5, "minutes": 1}', 'error: "label" must be a string.'),
            ("check_timers", "{}", "No timer is running."),
        ],
        [(END_CONVERSATION, "{}", "Goodbye.")],
    ],
)
async def test_conversations(tmp_path: Path, story: list[tuple[str, str, str]]) -> None:
    house = House(tmp_path)
    for name, arguments, said in story:
        assert await house.ask(name, arguments) == said


async def test_without_a_home_no_light_is_offered(tmp_path: Path) -> None:
    timers = Timers(tmp_path / "timers.json", lambda _: None, asyncio.get_running_loop())
    names = {tool.spec.name for tool in everyday_tools(timers, lambda: 0.5, lambda _: None)}
    lights = {"set_light", "set_all_lights", "get_lights"}
    assert not names & lights
    assert {spec.name for spec in House(tmp_path).runner.specs()} == names | lights
