"""What the everyday tools answer, driven as the model drives them: by name and JSON."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path

import pytest

from speakerd.core.events import NO_REQUEST, Event, MuteAsked, SayAsked, Talker, ToolFinished, Transcribed
from speakerd.core.state import END_CONVERSATION, Announcement, State
from speakerd.errors import ToolError
from speakerd.tools.alarm_days import REPEATS
from speakerd.tools.clock import local_now
from speakerd.tools.everyday import everyday_tools, kept_in
from speakerd.tools.facts import changing_facts
from speakerd.tools.home import DemoHome
from speakerd.tools.registry import ToolRunner
from speakerd.tools.speech import LastWords


class House:
    """A speaker with a pretended home; `ask` calls a tool and returns its output."""

    def __init__(self, folder: Path, now: datetime = datetime(2026, 11, 23, 15, 5), volume: float = 0.7) -> None:
        self.volume = volume
        self._answers: asyncio.Queue[Event] = asyncio.Queue()
        self.posted: list[Event] = []
        self.kept = kept_in(folder, self.posted.append, asyncio.get_running_loop(), now.timestamp)
        self.elsewhere: list[str] = []
        tools = everyday_tools(
            *(self.kept, self.posted.append, lambda: self.volume, self._set_volume),
            home=DemoHome(),
            now=lambda: now,
            everywhere=self._say_elsewhere,
        )
        self.runner = ToolRunner(tools, self._answers.put_nowait, deadline_seconds=5)

    async def ask(self, name: str, arguments: str = "{}") -> str:
        self.runner.run(1, "call", name, arguments)
        async with asyncio.timeout(5):
            event = await self._answers.get()
        assert isinstance(event, ToolFinished)
        return event.output

    def _set_volume(self, level: float) -> None:
        self.volume = level

    async def _say_elsewhere(self, text: str) -> None:
        self.elsewhere.append(text)


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
    assert await house.ask("set_alarm", '{"hour": 7}') == unset


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
        [
            ("check_alarms", "{}", "No alarm is set."),
            (
                "set_alarm",
                '{"hour": 6, "minute": 5, "half": "pm", "repeat": "weekdays"}',
                "Alarm set for 6:05 PM on weekdays.",
            ),
            (
                "set_alarm",
                '{"hour": 12, "half": "am", "repeat": "sunday", "label": "Gym"}',
                "Gym alarm set for 12:00 AM on Sundays.",
            ),
            ("check_alarms", "{}", "The 6:05 PM alarm rings on weekdays. The gym alarm rings at 12:00 AM on Sundays."),
            (
                "set_alarm",
                '{"hour": 13, "half": "pm"}',
                "error: Send the hour from 0 to 23 without a half of the day, or from 1 to 12 with one.",
            ),
            ("set_alarm", '{"hour": 24}', 'error: "hour" must be at most 23.'),
            ("cancel_alarm", "{}", "error: Say which alarm to cancel: set are the 6:05 PM alarm and the gym alarm."),
            (
                "cancel_alarm",
                '{"label": "tea"}',
                "error: There is no such alarm: set are only the 6:05 PM alarm and the gym alarm.",
            ),
            ("cancel_alarm", '{"hour": 18, "minute": 5}', "The 6:05 PM alarm is cancelled."),
            ("cancel_alarm", '{"label": "the gym alarm"}', "The gym alarm is cancelled."),
            ("cancel_alarm", "{}", "error: No alarm is set."),
            ("set_alarm", '{"hour": 7, "repeat": "every day"}', "Alarm set for 7:00 AM every day."),
            ("cancel_all_alarms", "{}", "All alarms are cancelled."),
            ("cancel_all_alarms", "{}", "No alarm is set."),
        ],
        [
            ("snooze", "{}", "error: Nothing has rung in the last minutes that could ring again."),
            ("stop_ringing", "{}", "Nothing is ringing."),
            ("repeat", "{}", "error: Nothing was said in the last ten minutes."),
            ("announce", '{"text": " "}', "error: Send the sentence to be said."),
            ("announce", '{"text": "' + 501 * "a" + '"}', "error: An announcement has at most 500 characters."),
        ],
        [(END_CONVERSATION, "{}", "Goodbye.")],
    ],
)
async def test_conversations(tmp_path: Path, story: list[tuple[str, str, str]]) -> None:
    house = House(tmp_path)
    for name, arguments, said in story:
        assert await house.ask(name, arguments) == said


@pytest.mark.parametrize(
    ("arguments", "elsewhere"),
    [
        ('{"text": "Dinner  is\\nready"}', []),
        ('{"text": "Dinner is ready", "where": "here"}', []),
        ('{"text": "Dinner is ready", "where": "everywhere"}', ["Dinner is ready"]),
    ],
)
async def test_an_announcement_is_said_here_and_on_demand_everywhere(
    tmp_path: Path, arguments: str, elsewhere: list[str]
) -> None:
    house = House(tmp_path)
    assert await house.ask("announce", arguments) == "I will say it as soon as we have finished."
    assert house.posted == [SayAsked(NO_REQUEST, "Dinner is ready")]
    assert house.elsewhere == elsewhere


async def test_the_microphone_can_be_closed_by_voice_but_not_opened(tmp_path: Path) -> None:
    house = House(tmp_path)
    said = await house.ask("mute_microphone")
    assert said == "The microphone is closed. Only the mute button or the command line opens it again."
    assert house.posted == [MuteAsked(True)]
    assert not [spec for spec in house.runner.specs() if "unmute" in spec.name]


def test_the_last_words_are_known_for_ten_minutes() -> None:
    now = [0.0]
    words = LastWords(lambda: now[0])
    idle = State()
    words(Transcribed(1, "a", Talker.ASSISTANT, "It is raining. "), idle, idle)
    words(Transcribed(1, "b", Talker.USER, "What?"), idle, idle)
    words(Transcribed(1, "c", Talker.ASSISTANT, " "), idle, idle)
    assert words.tell() == "It is raining."
    announcing = replace(idle, announcing=Announcement(1, "Dinner is ready."))
    words(SayAsked(1, "Dinner is ready."), idle, announcing)
    words(MuteAsked(True), announcing, announcing)
    now[0] = 600
    assert words.tell() == "Dinner is ready."
    now[0] = 601
    with pytest.raises(ToolError, match="Nothing was said"):
        words.tell()


@pytest.mark.parametrize(
    ("alarms", "told"),
    [
        ([], "Now it is Monday, 23 November 2026, 15:05. No timer is running."),
        (
            [time(7)],
            "Now it is Monday, 23 November 2026, 15:05. No timer is running. The 7:00 AM alarm rings every day.",
        ),
    ],
)
async def test_what_changes_is_told_in_few_words(tmp_path: Path, alarms: list[time], told: str) -> None:
    kept = kept_in(tmp_path, lambda _: None, asyncio.get_running_loop())
    for at in alarms:
        kept.alarms.set(at, REPEATS["every day"])
    assert changing_facts(kept.timers, kept.alarms, lambda: datetime(2026, 11, 23, 15, 5)) == told


async def test_without_a_home_no_light_is_offered(tmp_path: Path) -> None:
    kept = kept_in(tmp_path, lambda _: None, asyncio.get_running_loop())
    names = {tool.spec.name for tool in everyday_tools(kept, lambda _: None, lambda: 0.5, lambda _: None)}
    lights = {"set_light", "set_all_lights", "get_lights"}
    assert not names & lights
    assert {spec.name for spec in House(tmp_path).runner.specs()} == names | lights
