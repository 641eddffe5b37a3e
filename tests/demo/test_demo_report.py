"""The demonstration's report: what proves each step, and that a failed demonstration says so."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest

from speakerd.audio.uplink import UplinkSpan
from speakerd.core import events as on
from speakerd.core.state import (
    Active,
    Card,
    Conversation,
    Idle,
    Listening,
    Opening,
    Requested,
    Speaking,
    State,
    Thinking,
)
from speakerd.demo.recording import Recording
from speakerd.demo.report import STEPS, make, problems
from speakerd.demo.room import Spoken

WAKE = on.WakeWordHeard("hey_jarvis", 0.987_65, 1000)
TALK = Conversation(1)
IDLE = State(card=Card.UP)
STEPS_IN_ORDER = [
    "connection",
    "session set-up",
    "user input",
    "server processing",
    "response delivery",
    "function execution",
    "continuation",
    "interruption",
    "termination",
]


def phase(what: Any) -> State:
    return State(card=Card.UP, sessions=1, phase=what)


def story() -> tuple[Recording, list[tuple[float, float]], list[Spoken]]:
    """A recording in which everything happened, with sound and speech to match."""
    recording = Recording(lambda seconds, line: None)
    speaking = phase(Speaking(TALK, ("a1",)))
    listening = phase(Listening(TALK))
    thinking = phase(Thinking(Conversation(1, Requested())))
    active = phase(Thinking(Conversation(1, Active("r1"))))
    recording.observe(on.CardFound(), State(), IDLE)
    recording.observe(WAKE, IDLE, phase(Opening(1)))
    recording.observe(on.SessionOpened(1), phase(Opening(1)), listening)
    for kinds in STEPS.values():
        for direction, kind in kinds:
            delta = {"delta": 64_000, "item_id": "a1"} if kind == "response.output_audio.delta" else {}
            recording.trace(direction, kind, delta)
    recording.trace("received", "response.output_audio.delta", {"delta": 64_000, "item_id": "a2"})
    recording.observe(on.Transcribed(1, "u1", on.Talker.USER, "hey jarvis turn on the kitchen light"), thinking, active)
    for call, name, arguments in (
        ("c1", "set_light", '{"room": "kitchen", "power": "on"}'),
        ("c2", "set_timer", '{"minutes": 5}'),
    ):
        recording.observe(on.ToolCalled(1, "r1", call, name, arguments), active, active)
        recording.observe(on.ToolFinished(1, call, "done"), active, active)
    recording.observe(on.ActionPressed(), speaking, listening)
    recording.observe(on.PlayoutEnded("a1", 500, cut_short=True), listening, listening)
    recording.observe(WAKE, speaking, listening)
    recording.observe(on.PlayoutEnded("a2", 600, cut_short=True), listening, listening)
    recording.observe(on.TimedOut(on.Timer.PHASE, 1), listening, IDLE)
    press, barge_in = recording.started_at + 10.0, recording.started_at + 20.0
    recording.presses, recording.wakes[1] = [press], (barge_in, WAKE)
    sounds = [(press - 1.0, press + 0.015), (barge_in - 1.0, barge_in + 0.02)]
    return recording, sounds, [Spoken(press - 3.0, press - 2.0)]


async def full_report() -> dict[str, Any]:
    recording, sounds, turns = story()
    spans = [UplinkSpan(1, 100, 400, 300, ""), UplinkSpan(1, 500, 600, 100, "")]
    return make(recording, turns, sounds, spans, [{"received_samples": 400}])


async def test_a_full_story_has_no_problems_and_exact_figures() -> None:
    report = await full_report()
    assert problems(report) == []
    assert [step["step"] for step in report["steps"]] == STEPS_IN_ORDER
    assert report["wake"][0]["score"] == 0.9877
    assert report["lost_samples"] == 0
    assert [(a["audio_ms"], a["heard_ms"], a["interrupted_by"]) for a in report["answers"]] == [
        (1000, 500, "button"),
        (1000, 600, "wake word"),
    ]
    assert report["latency_ms"]["speech_end_to_first_audio"] == pytest.approx(1000.0, abs=1)
    assert report["latency_ms"]["button_to_silence"] == pytest.approx(15.0, abs=0.1)
    assert report["latency_ms"]["wake_to_silence"] == pytest.approx(20.0, abs=0.1)
    assert report["tool_calls"][0] == {
        "name": "set_light",
        "arguments": {"room": "kitchen", "power": "on"},
        "result": "done",
    }


BREAKAGES: dict[str, tuple[str, Any]] = {
    "the wake word was heard twice": ("wake", []),
    "the first command was recognised in full": ("heard_words", ["turn on the"]),
    "the light was switched on": ("tool_calls", [{"name": "set_timer", "arguments": {"minutes": 5}}]),
    "no sample was lost": ("lost_samples", 1),
    "the speaker came to rest": ("lights", [{"light": "listening"}, {"light": "thinking"}]),
    "all latencies were measured": ("latency_ms", {"button_to_silence": None}),
}


@pytest.mark.parametrize(("problem", "breakage"), BREAKAGES.items(), ids=BREAKAGES)
async def test_what_is_missing_is_named(problem: str, breakage: tuple[str, Any]) -> None:
    report = await full_report()
    report[breakage[0]] = breakage[1]
    assert problem in problems(report)


@pytest.mark.parametrize("step", STEPS_IN_ORDER)
async def test_a_step_without_proof_is_a_problem(step: str) -> None:
    report = copy.deepcopy(await full_report())
    report["steps"][STEPS_IN_ORDER.index(step)]["events"] = []
    assert problems(report) == ["every step of the lifecycle was seen"]


async def test_events_in_the_wrong_order_prove_nothing() -> None:
    recording, sounds, turns = story()
    recording.wire.reverse()
    report = make(recording, turns, sounds, [], [])
    assert not report["steps"][1]["events"]
    assert not report["steps"][-1]["events"], "no session of the server's ended"


async def test_waiting_for_what_never_happens_ends() -> None:
    recording = Recording(lambda seconds, line: None)
    with pytest.raises(TimeoutError):
        await recording.until(lambda: isinstance(recording.state.phase, Thinking), seconds=0.01)
    waiting = asyncio.create_task(recording.until(lambda: not isinstance(recording.state.phase, Idle)))
    recording.observe(WAKE, IDLE, phase(Opening(1)))
    await waiting
