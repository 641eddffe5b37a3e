"""What rings: silenced for good by whatever quietens it, and back after a while on demand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from pathlib import Path

import pytest

from speakerd.core import events as on
from speakerd.core.state import State
from speakerd.core.step import step
from speakerd.errors import ToolError
from speakerd.tools.alarm_days import ONCE
from speakerd.tools.alarms import Alarms
from speakerd.tools.bells import Bells
from speakerd.tools.timers import Timers
from tools_kitchen import FakeTime


class Speaker:
    """The core's loop around timers and alarms, at six in the morning."""

    def __init__(self, folder: Path, wall: float = 1_800_000_000.0) -> None:
        self._folder = folder
        self.clocks = FakeTime(wall)
        self.state, _ = step(State(), on.CardFound())
        self.rang: list[str] = []
        self.timers = Timers(folder / "timers.json", self.post, self.clocks, self.clocks.wall_clock)
        self.alarms = Alarms(folder / "alarms.json", self.post, self.clocks, self.clocks.wall_clock)
        self.bells = Bells(self.timers, self.alarms, self.post, self.clocks.time)

    def post(self, event: on.Event) -> None:
        if isinstance(event, on.AlarmRang):
            self.rang.append(event.alarm)
        before = self.state
        self.state, _ = step(before, event)
        if hasattr(self, "bells"):
            self.bells(event, before, self.state)

    def restarted(self) -> Speaker:
        return Speaker(self._folder, self.clocks.wall)

    def after(self, seconds: float) -> Sequence[str]:
        self.rang.clear()
        self.clocks.advance(seconds)
        return self.rang


@pytest.fixture
def speaker(tmp_path: Path) -> Speaker:
    return Speaker(tmp_path)


QUIETENED: list[on.Event] = [
    on.ActionPressed(),
    on.WakeWordHeard("hey_jarvis", 0.9, 1000),
    on.EndAsked(),
    on.RingingStopAsked(),
]


@pytest.mark.parametrize("quietening", QUIETENED, ids=lambda event: type(event).__name__)
def test_what_the_owner_silenced_never_rings_again(speaker: Speaker, quietening: on.Event) -> None:
    speaker.timers.set(60, "tea")
    assert speaker.after(60) == ["tea timer"]
    assert speaker.state.ringing
    speaker.post(quietening)
    assert not speaker.state.ringing
    assert speaker.restarted().after(100) == []


@pytest.mark.parametrize("meanwhile", [on.StopAsked(), on.MutePressed(), on.CardLost("unplugged")])
def test_what_nobody_silenced_rings_on_after_a_restart(speaker: Speaker, meanwhile: on.Event) -> None:
    speaker.timers.set(60, "tea")
    speaker.after(60)
    speaker.post(meanwhile)
    assert speaker.restarted().after(0) == ["tea timer"]


def test_what_rang_for_too_long_is_over(speaker: Speaker) -> None:
    speaker.timers.set(60, "tea")
    speaker.after(60)
    speaker.post(on.TimedOut(on.Timer.RINGING, speaker.state.rings))
    assert speaker.restarted().after(0) == []


@pytest.mark.parametrize("is_silenced_first", [True, False])
def test_snoozed_it_rings_again_by_its_name(speaker: Speaker, is_silenced_first: bool) -> None:
    speaker.timers.set(60, "tea")
    speaker.after(60)
    if is_silenced_first:
        speaker.post(on.ActionPressed())
        speaker.clocks.advance(120)
    assert speaker.bells.snooze() == "The tea timer will ring again in nine minutes."
    assert not speaker.state.ringing
    assert speaker.after(539) == []
    assert speaker.timers.report() == "The tea timer has one second left."
    assert speaker.after(1) == ["tea timer"]


def test_a_snoozed_alarm_stays_an_alarm_through_a_restart(speaker: Speaker) -> None:
    speaker.alarms.set(time(9), ONCE, "gym")
    assert speaker.after(86_400) == ["gym alarm"]
    assert speaker.bells.snooze(5) == "The gym alarm will ring again in five minutes."
    again = speaker.restarted()
    assert again.timers.report() == "The gym alarm has five minutes left."
    assert again.after(300) == ["gym alarm"]
    assert again.bells.snooze(5) == "The gym alarm will ring again in five minutes."
    assert again.timers.cancel("gym alarm") == "The gym alarm is cancelled."
    assert again.restarted().after(86_400) == []


def test_what_was_silenced_long_ago_is_not_meant_and_nothing_is_snoozed_twice(speaker: Speaker) -> None:
    with pytest.raises(ToolError, match="Nothing has rung"):
        speaker.bells.snooze()
    speaker.timers.set(60, "tea")
    speaker.after(60)
    speaker.post(on.ActionPressed())
    speaker.clocks.advance(901)
    with pytest.raises(ToolError, match="Nothing has rung"):
        speaker.bells.snooze()


def test_what_rings_is_stopped_by_a_tool_alone(speaker: Speaker) -> None:
    assert speaker.bells.stop() == "Nothing is ringing."
    speaker.timers.set(60, "tea")
    speaker.after(60)
    assert speaker.bells.stop() == "It is quiet now."
    assert not speaker.state.ringing
