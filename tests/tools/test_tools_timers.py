from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from speakerd.core.events import AlarmRang, Event
from speakerd.errors import ToolError
from speakerd.tools.timers import MOST_TIMERS, Scheduler, Timers
from tools_kitchen import Kitchen


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


def test_a_timer_rings_once_when_it_is_due(kitchen: Kitchen) -> None:
    assert kitchen.timers.set(300) == "Timer set for five minutes."
    assert kitchen.wait(299.9) == []
    assert kitchen.wait(0.2) == ["five minute timer"]
    assert kitchen.wait(1000) == []
    assert kitchen.timers.report() == "No timer is running."


def test_several_timers_ring_in_their_order_by_their_names(kitchen: Kitchen) -> None:
    assert kitchen.timers.set(600, "Pasta") == "Pasta timer set for ten minutes."
    kitchen.timers.set(3665)
    kitchen.timers.set(240, "my Tea timer")
    assert kitchen.timers.report() == (
        "The tea timer has four minutes left. The pasta timer has ten minutes left. "
        "The one hour one minute five second timer has one hour, one minute and five seconds left."
    )
    assert kitchen.wait(5000) == ["tea timer", "pasta timer", "one hour one minute five second timer"]


def test_setting_a_label_again_restarts_its_timer(kitchen: Kitchen) -> None:
    kitchen.timers.set(60, "egg")
    kitchen.clocks.advance(30)
    assert kitchen.timers.set(60, "Egg") == "Egg timer set again for one minute."
    assert kitchen.wait(59) == []
    assert kitchen.wait(2) == ["egg timer"]


def test_unnamed_timers_stand_beside_each_other(kitchen: Kitchen) -> None:
    kitchen.timers.set(60)
    kitchen.timers.set(60)
    assert kitchen.wait(60) == ["one minute timer", "one minute timer"]


@pytest.mark.parametrize(
    ("label", "said", "still"),
    [
        ("pasta", "The pasta timer is cancelled.", ["five minute timer", "tea timer"]),
        ("the Pasta timer", "The pasta timer is cancelled.", ["five minute timer", "tea timer"]),
        ("5 minute", "The five minute timer is cancelled.", ["tea timer", "pasta timer"]),
        ("five-minute timer", "The five minute timer is cancelled.", ["tea timer", "pasta timer"]),
    ],
)
def test_a_timer_is_cancelled_by_its_name(kitchen: Kitchen, label: str, said: str, still: list[str]) -> None:
    for seconds, name in [(600, "pasta"), (300, ""), (400, "tea")]:
        kitchen.timers.set(seconds, name)
    assert kitchen.timers.cancel(label) == said
    assert kitchen.wait(700) == still


def test_without_a_name_the_only_timer_is_meant_or_the_soonest_of_equals(kitchen: Kitchen) -> None:
    kitchen.timers.set(300)
    kitchen.clocks.advance(10)
    kitchen.timers.set(300)
    assert kitchen.timers.cancel("timer") == "The five minute timer is cancelled."
    assert kitchen.wait(299) == []
    assert kitchen.timers.cancel() == "The five minute timer is cancelled."
    assert kitchen.wait(1000) == []


def test_what_cannot_be_meant_is_asked_back(kitchen: Kitchen) -> None:
    for method, label in [(kitchen.timers.cancel, ""), (kitchen.timers.cancel, "egg"), (kitchen.timers.report, "egg")]:
        with pytest.raises(ToolError, match=r"^No timer is running\.$"):
            method(label)
    kitchen.timers.set(300, "pasta")
    kitchen.timers.set(200)
    with pytest.raises(ToolError) as ambiguous:
        kitchen.timers.cancel()
    assert str(ambiguous.value) == (
        "Say which timer to cancel: running are the three minute twenty second timer and the pasta timer."
    )
    with pytest.raises(ToolError, match="There is no egg timer: running are only the three minute twenty second timer"):
        kitchen.timers.report("egg")
    assert kitchen.timers.report("pasta") == "The pasta timer has five minutes left."


def test_all_timers_are_cancelled_together(kitchen: Kitchen) -> None:
    assert kitchen.timers.cancel_all() == "No timer is running."
    kitchen.timers.set(10, "a")
    kitchen.timers.set(20, "b")
    assert kitchen.timers.cancel_all() == "All timers are cancelled."
    assert kitchen.wait(100) == []


@pytest.mark.parametrize("seconds", [0, -5, 86_401])
def test_a_timer_needs_a_sensible_length(kitchen: Kitchen, seconds: int) -> None:
    with pytest.raises(ToolError, match="one second to 24 hours"):
        kitchen.timers.set(seconds)


def test_there_is_a_limit_to_the_number_of_timers_but_not_to_restarting_one(kitchen: Kitchen) -> None:
    for number in range(MOST_TIMERS):
        kitchen.timers.set(60, f"name {number}x")
    with pytest.raises(ToolError, match="20 timers already: cancel one"):
        kitchen.timers.set(60, "one more")
    assert kitchen.timers.set(90, "name 7x") == "Name 7x timer set again for one minute and thirty seconds."


def test_a_clock_that_is_set_while_timers_run_moves_none(kitchen: Kitchen) -> None:
    kitchen.timers.set(60)
    kitchen.clocks.wall += 1_000_000
    assert kitchen.wait(59) == []
    assert kitchen.timers.report() == "The one minute timer has one second left."
    assert kitchen.wait(1) == ["one minute timer"]


def test_the_soonest_timer_is_told_by_the_wall_clock(kitchen: Kitchen) -> None:
    assert kitchen.timers.next_due_unix_seconds() is None
    kitchen.timers.set(300)
    kitchen.timers.set(60)
    began = kitchen.clocks.wall
    assert kitchen.timers.next_due_unix_seconds() == pytest.approx(began + 60)
    kitchen.wait(60)
    assert kitchen.timers.next_due_unix_seconds() == pytest.approx(began + 300)


async def test_an_asyncio_loop_is_a_scheduler(tmp_path: Path) -> None:
    rang: asyncio.Queue[Event] = asyncio.Queue()
    scheduler: Scheduler = asyncio.get_running_loop()
    timers = Timers(tmp_path / "timers.json", rang.put_nowait, scheduler)
    begun = scheduler.time()
    timers.set(1, "tea")
    async with asyncio.timeout(5):
        assert await rang.get() == AlarmRang("tea timer")
    assert 1 <= scheduler.time() - begun < 2


def test_names_are_words_only(kitchen: Kitchen) -> None:
    kitchen.timers.set(100, "  The   BIG  roast timer ")
    [name] = kitchen.wait(100)
    assert re.fullmatch("big roast timer", name)
