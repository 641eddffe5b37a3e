"""How the parts are put together: rules from settings, the state folder, and the watchdog's proof of hearing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import pytest

from fakes import Told, fake_devices
from speakerd.assembly import Proof
from speakerd.audio.plane import AudioPlane
from speakerd.core.events import CardFound, CardLost, StopAsked, WakeWordHeard
from speakerd.core.state import Rules
from speakerd.daemon import Daemon
from speakerd.realtime.endpoint import Endpoint
from speakerd.rules import rules
from speakerd.settings import (
    AudioSettings,
    ConversationSettings,
    OtherWord,
    Settings,
    ToolSettings,
    WakeWordSettings,
)
from speakerd.wakeword.ears import WakeWordEars

SERVER = Endpoint("cloud", "ws://localhost", {}, "model")


def test_the_defaults_of_settings_and_rules_agree() -> None:
    ours, default = rules(Settings(), [SERVER]), Rules()
    differing = {f.name for f in fields(Rules) if getattr(ours, f.name) != getattr(default, f.name)}
    limits = {"conversation_seconds", "most_calls_per_minute", "waiting_cue_seconds"}
    assert differing == limits | {"endpoints", "budget", "end_phrases", "facts", "policy"}


def test_every_rule_follows_a_setting() -> None:
    chosen = Settings(
        audio=AudioSettings(duplex="full", preroll_ms=500, cues="all"),
        conversation=ConversationSettings(
            *(1.0, 5.0, 2.0, 10.0, 6.0, 0.5),
            follow_up=False,
            turns="push",
            most_tool_calls=1,
            most_turns=1,
            rollover_minutes=1.0,
            warm_seconds=1.0,
            failover_seconds=1.0,
        ),
        tools=ToolSettings(approval_seconds=5.0),
        wake_word=WakeWordSettings(others=(OtherWord("alexa"),)),
    )
    ours, default = rules(chosen, [replace(SERVER, connect_seconds=1.0)]), Rules()
    assert ours.preroll_samples == 8000
    same = {f.name for f in fields(Rules) if getattr(ours, f.name) == getattr(default, f.name)}
    nobody_sets = {"reopening_tries", "announcement_seconds", "tap_seconds", "most_equal_calls"}
    assert same == nobody_sets


@dataclass
class Ears:
    frames_scored: int = 0


@dataclass(frozen=True)
class Health:
    is_capture_open: bool = True


class Plane:
    health = Health()


class Minutes:
    """A clock that the story moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def proof_after(*events: Any) -> tuple[Proof, Ears, Plane, Minutes]:
    daemon = Daemon(Rules())
    for event in (*events, StopAsked()):
        daemon.post(event)
    async with asyncio.timeout(5):
        await daemon.run(fake_devices(Told()))
    ears, plane, clock = Ears(), Plane(), Minutes()
    made = Proof(daemon, cast("AudioPlane", plane), cast("WakeWordEars", ears), clock)
    assert made() is None
    return made, ears, plane, clock


async def test_frames_that_are_scored_are_proof_and_their_absence_is_not() -> None:
    proof, ears, _, clock = await proof_after(CardFound())
    for _ in range(10):
        clock.now += 4.0
        ears.frames_scored += 1
        assert proof() is None
    clock.now += 6.0
    assert proof() == "no sound reaches the wake word"
    ears.frames_scored += 1
    assert proof() is None


@pytest.mark.parametrize("trouble", ["muted", "card lost"])
async def test_silence_that_is_known_about_is_no_deafness(trouble: str) -> None:
    proof, _, plane, clock = await proof_after(CardFound() if trouble == "muted" else CardLost("unplugged"))
    plane.health = replace(plane.health, is_capture_open=trouble != "muted")
    clock.now += 3600.0
    assert proof() is None


async def test_a_phase_that_outlives_its_deadline_is_no_proof() -> None:
    daemon = Daemon(Rules(opening_seconds=-10.0))
    told = Told()
    running = asyncio.create_task(daemon.run(fake_devices(told)))
    overdue: list[str | None] = []
    proof = Proof(daemon, cast("AudioPlane", Plane()), cast("WakeWordEars", Ears()), Minutes())
    daemon._observers = [lambda *step: overdue.append(proof())]
    for event in (CardFound(), WakeWordHeard("w", 1.0, 1), StopAsked()):
        daemon.post(event)
    async with asyncio.timeout(5):
        await running
    assert overdue[1] == "a phase has outlived its deadline"
