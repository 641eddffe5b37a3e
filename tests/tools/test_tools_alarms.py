"""Alarms by the clock on the wall: which days, summer time, clocks that are set, restarts."""

from __future__ import annotations

import json
import logging
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakerd.core.events import AlarmRang, Event
from speakerd.errors import ToolError
from speakerd.tools.alarm_days import ONCE, REPEATS
from speakerd.tools.alarms import LOOK_SECONDS, MOST_ALARMS, Alarms
from tools_kitchen import FakeTime

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600.0, 86_400.0
SEVEN = time(7)
UNSET = "1970-01-01 00:00"


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


class Bedroom:
    """A speaker's alarms in Berlin, and the local times at which they rang."""

    def __init__(self, folder: Path, now: str = "2026-11-23 22:00") -> None:
        self.file = folder / "alarms.json"
        self.rang: list[str] = []
        self.clocks = FakeTime(unix(now))
        self.alarms = self._new_alarms()

    def restart(self, now: str) -> None:
        self.clocks = FakeTime(unix(now))
        self.alarms = self._new_alarms()

    def sleep_until(self, text: str, *, silences: bool = True) -> list[str]:
        """When what rang meanwhile; each is silenced after two minutes, as the core does."""
        self.rang.clear()
        while (left := unix(text) - self.clocks.wall) > 0:
            self.clocks.advance(min(120.0, left))
            if silences:
                self.alarms.silenced({rang.partition(": ")[2] for rang in self.rang})
        return self.rang

    def _new_alarms(self) -> Alarms:
        return Alarms(self.file, self._post, self.clocks, self.clocks.wall_clock, BERLIN)

    def _post(self, event: Event) -> None:
        assert isinstance(event, AlarmRang)
        now = datetime.fromtimestamp(self.clocks.wall, BERLIN)
        self.rang.append(f"{now:%a %d %H:%M}: {event.alarm}")


@pytest.fixture
def bedroom(tmp_path: Path) -> Bedroom:
    return Bedroom(tmp_path)


@pytest.mark.parametrize(
    ("now", "at", "repeat", "said", "until", "rang"),
    [
        ("2026-11-23 22:00", SEVEN, "once", "7:00 AM tomorrow", "2026-11-27 00:00", ["Tue 24 07:00"]),
        ("2026-11-23 06:59", SEVEN, "once", "7:00 AM today", "2026-11-27 00:00", ["Mon 23 07:00"]),
        ("2026-11-23 07:00", SEVEN, "once", "7:00 AM tomorrow", "2026-11-27 00:00", ["Tue 24 07:00"]),
        ("2026-11-23 22:00", time(0), "once", "12:00 AM tomorrow", "2026-11-27 00:00", ["Tue 24 00:00"]),
        (
            "2026-11-26 22:00",
            SEVEN,
            "weekdays",
            "7:00 AM on weekdays",
            "2026-12-01 12:00",
            ["Fri 27 07:00", "Mon 30 07:00", "Tue 01 07:00"],
        ),
        (
            "2026-11-26 22:00",
            SEVEN,
            "weekends",
            "7:00 AM on weekends",
            "2026-12-05 12:00",
            ["Sat 28 07:00", "Sun 29 07:00", "Sat 05 07:00"],
        ),
        ("2026-11-26 22:00", SEVEN, "thursday", "7:00 AM on Thursdays", "2026-12-04 12:00", ["Thu 03 07:00"]),
        # Summer time: the same hour of the wall; a time that is skipped is later, one that comes twice rings once.
        (
            "2026-03-27 22:00",
            SEVEN,
            "every day",
            "7:00 AM every day",
            "2026-03-30 00:00",
            ["Sat 28 07:00", "Sun 29 07:00"],
        ),
        ("2026-03-28 22:00", time(2, 30), "once", "2:30 AM tomorrow", "2026-03-30 00:00", ["Sun 29 03:30"]),
        (
            "2026-10-24 22:00",
            time(2, 30),
            "every day",
            "2:30 AM every day",
            "2026-10-26 12:00",
            ["Sun 25 02:30", "Mon 26 02:30"],
        ),
    ],
)
def test_an_alarm_rings_on_its_days(
    tmp_path: Path, now: str, at: time, repeat: str, said: str, until: str, rang: list[str]
) -> None:
    bedroom = Bedroom(tmp_path, now)
    assert bedroom.alarms.set(at, REPEATS[repeat], "bed") == f"Bed alarm set for {said}."
    assert bedroom.sleep_until(until) == [f"{each}: bed alarm" for each in rang]
    left = "No alarm is set." if repeat == "once" else f"The bed alarm rings at {said}."
    assert bedroom.alarms.report() == left


def test_in_the_second_of_two_equal_hours_the_first_is_over(tmp_path: Path) -> None:
    bedroom = Bedroom(tmp_path, "2026-10-25 01:50")
    bedroom.clocks.advance(HOUR + 1200)  # 2:10, for the second time
    assert bedroom.alarms.set(time(2, 30), ONCE) == "Alarm set for 2:30 AM tomorrow."
    assert bedroom.sleep_until("2026-10-27 00:00") == ["Mon 26 02:30: 2:30 AM alarm"]


@pytest.mark.parametrize(
    ("before", "now", "until", "rang"),
    [
        # The clock was wrong when the alarm was set: it is meant by the right one.
        ("2026-11-20 22:00", "2026-11-23 22:00", "2026-11-26 00:00", ["Tue 24 07:00"]),
        ("2026-11-25 06:00", "2026-11-23 06:30", "2026-11-26 00:00", ["Mon 23 07:00"]),
        # Set when it was 6:50 already: a little late, and much too late.
        ("2026-11-20 22:00", "2026-11-23 06:55", "2026-11-26 00:00", ["Mon 23 07:00"]),
        ("2036-01-01 00:00", "2026-11-23 22:00", "2026-11-26 00:00", ["Tue 24 07:00"]),
    ],
)
def test_a_clock_that_is_set_moves_the_alarm_with_it(
    tmp_path: Path, before: str, now: str, until: str, rang: list[str]
) -> None:
    bedroom = Bedroom(tmp_path, before)
    bedroom.alarms.set(SEVEN, ONCE)
    bedroom.clocks.wall = unix(now)
    assert bedroom.sleep_until(until) == [f"{each}: 7:00 AM alarm" for each in rang]
    assert bedroom.alarms.report() == "No alarm is set."


def test_a_jump_is_noticed_soon(bedroom: Bedroom) -> None:
    bedroom.alarms.set(SEVEN, REPEATS["every day"])
    bedroom.clocks.advance(DAY)
    bedroom.rang.clear()
    bedroom.clocks.wall = unix("2026-11-25 07:10")
    bedroom.clocks.advance(LOOK_SECONDS)
    assert bedroom.rang == ["Wed 25 07:10: 7:00 AM alarm"]


def test_a_clock_that_is_set_back_over_an_alarm_rings_it_once(bedroom: Bedroom) -> None:
    bedroom.alarms.set(SEVEN, REPEATS["every day"])
    assert bedroom.sleep_until("2026-11-24 07:05") == ["Tue 24 07:00: 7:00 AM alarm"]
    bedroom.clocks.wall = unix("2026-11-24 06:55")
    assert bedroom.sleep_until("2026-11-25 06:00") == []
    assert bedroom.sleep_until("2026-11-25 07:05") == ["Wed 25 07:00: 7:00 AM alarm"]


def test_a_clock_that_was_years_ahead_for_a_while_costs_no_alarm(bedroom: Bedroom) -> None:
    bedroom.alarms.set(SEVEN, REPEATS["every day"])
    bedroom.clocks.wall = unix("2036-01-01 12:00")
    assert bedroom.sleep_until("2036-01-01 13:00") == []
    bedroom.clocks.wall = unix("2026-11-24 06:00")
    assert bedroom.sleep_until("2026-11-24 07:05") == ["Tue 24 07:00: 7:00 AM alarm"]


def test_without_a_clock_no_alarm_is_set_and_none_rings(tmp_path: Path) -> None:
    bedroom = Bedroom(tmp_path)
    bedroom.alarms.set(SEVEN, ONCE)
    bedroom.restart(UNSET)
    with pytest.raises(ToolError, match="the clock has not been set"):
        bedroom.alarms.set(SEVEN, ONCE)
    assert bedroom.sleep_until("1970-01-03 00:00") == []
    bedroom.clocks.wall = unix("2026-11-24 06:30")
    assert bedroom.sleep_until("2026-11-24 07:05") == ["Tue 24 07:00: 7:00 AM alarm"]


@pytest.mark.parametrize(
    ("back", "repeat", "rang"),
    [
        ("2026-11-24 06:00", "once", ["Tue 24 07:00"]),
        ("2026-11-24 07:30", "once", ["Tue 24 07:30"]),
        ("2026-11-24 08:01", "once", []),
        ("2026-11-25 06:00", "once", []),
        ("2026-11-24 08:01", "every day", ["Wed 25 07:00"]),
        ("2026-11-25 06:00", "every day", ["Wed 25 07:00"]),
    ],
)
def test_after_a_power_failure_it_rings_unless_much_too_late(
    bedroom: Bedroom, caplog: pytest.LogCaptureFixture, back: str, repeat: str, rang: list[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        bedroom.alarms.set(SEVEN, REPEATS[repeat], "secret")
        bedroom.restart(back)
        assert bedroom.sleep_until("2026-11-25 12:00") == [f"{each}: secret alarm" for each in rang]
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("repeat", "back", "rings", "later"),
    [
        ("once", "2026-11-24 07:03", ["Tue 24 07:03"], []),
        ("every day", "2026-11-24 07:03", ["Tue 24 07:03"], ["Wed 25 07:00"]),
        ("once", "2026-11-24 09:00", [], []),
        ("every day", "2026-11-24 09:00", [], ["Wed 25 07:00"]),
        ("every day", "2026-11-24 06:50", ["Tue 24 06:50"], ["Wed 25 07:00"]),
    ],
)
def test_what_rang_until_the_power_failed_rings_on_and_never_once_it_was_silenced(
    bedroom: Bedroom, repeat: str, back: str, rings: list[str], later: list[str]
) -> None:
    bedroom.alarms.set(SEVEN, REPEATS[repeat])
    assert bedroom.sleep_until("2026-11-24 07:01", silences=False) == ["Tue 24 07:00: 7:00 AM alarm"]
    bedroom.rang.clear()
    bedroom.restart(back)
    assert bedroom.rang == [f"{each}: 7:00 AM alarm" for each in rings]
    bedroom.alarms.silenced({"7:00 AM alarm"})
    bedroom.restart("2026-11-24 09:01")
    assert bedroom.sleep_until("2026-11-25 12:00") == [f"{each}: 7:00 AM alarm" for each in later]


def test_alarms_stand_beside_each_other_unless_they_are_the_same(bedroom: Bedroom) -> None:
    for at, repeat, label in [
        (SEVEN, "weekdays", ""),
        (SEVEN, "saturday", ""),
        (SEVEN, "weekdays", ""),
        (time(6), "once", "the Gym alarm"),
        (time(6, 30), "once", "gym"),
    ]:
        bedroom.alarms.set(at, REPEATS[repeat], label)
    assert bedroom.alarms.report() == (
        "The gym alarm rings at 6:30 AM tomorrow. The 7:00 AM alarm rings on weekdays. "
        "The 7:00 AM alarm rings on Saturdays."
    )


def test_there_is_a_limit_to_the_number_of_alarms(bedroom: Bedroom) -> None:
    for number in range(MOST_ALARMS):
        bedroom.alarms.set(time(7, number), ONCE)
    with pytest.raises(ToolError, match="20 alarms already: cancel one first"):
        bedroom.alarms.set(time(8), ONCE)
    bedroom.alarms.set(time(7, 5), ONCE)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"alarms": [null]}',
        '{"alarms": [{"label": "", "at": "25:00", "days": [], "done": "2026-11-23", "rings": false}]}',
        '{"alarms": [{"label": "", "at": "07:00", "days": [9], "done": "2026-11-23", "rings": false}]}',
        '{"alarms": [{"label": "", "at": "07:00", "days": [[]], "done": "2026-11-23", "rings": false}]}',
        '{"alarms": [{"label": "", "at": "07:00", "days": [], "done": "yesterday", "rings": false}]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_one_warning_and_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    (tmp_path / "alarms.json").write_text(content)
    bedroom = Bedroom(tmp_path)
    assert caplog.messages == [f"{bedroom.file} is damaged: its alarms are lost, and the next alarm replaces it."]
    bedroom.alarms.set(SEVEN, ONCE)
    saved = json.loads(bedroom.file.read_text())["alarms"]
    assert saved == [{"label": "", "at": "07:00", "days": [], "done": "2026-11-23", "rings": False}]


def test_a_folder_that_cannot_be_used_costs_only_the_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "alarms.json").mkdir()
    bedroom = Bedroom(tmp_path)
    assert "cannot be read" in caplog.messages[-1]
    bedroom.alarms.set(SEVEN, ONCE)
    assert "will not survive a restart" in caplog.messages[-1]
    assert bedroom.sleep_until("2026-11-24 12:00") == ["Tue 24 07:00: 7:00 AM alarm"]


@settings(deadline=None, max_examples=12)  # two days of looks at the clock each
@given(
    minutes=st.lists(st.integers(0, 1439), min_size=1, max_size=5, unique=True),
    begun_minute=st.integers(0, 1439),
    restarts=st.lists(st.integers(1, 2880), max_size=3),
)
def test_every_alarm_rings_exactly_once_a_day_whenever_the_speaker_restarts(
    tmp_path_factory: pytest.TempPathFactory, minutes: list[int], begun_minute: int, restarts: list[int]
) -> None:
    begun = datetime(2026, 11, 23, begun_minute // 60, begun_minute % 60)
    bedroom = Bedroom(tmp_path_factory.mktemp("bedroom"), str(begun))
    for minute in minutes:
        bedroom.alarms.set(time(minute // 60, minute % 60), REPEATS["every day"])
    end = bedroom.clocks.wall + 2 * DAY
    rang: list[str] = []
    for moment in [*(bedroom.clocks.wall + 60.0 * minute for minute in sorted(restarts)), end]:
        until = f"{datetime.fromtimestamp(moment, BERLIN):%Y-%m-%d %H:%M}"
        rang += bedroom.sleep_until(until)
        bedroom.restart(until)
    assert len(set(rang)) == len(rang) == 2 * len(minutes)
