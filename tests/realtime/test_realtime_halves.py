"""Random walks through both halves of the protocol: whatever happens in whatever order, they agree in the end."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fault_words import BYTES_PER_MS, pcm_of, words_in
from halves import Halves, talked_in
from halves_server import HalfServer
from speakerd.core import events as on
from speakerd.core.state import Idle, Rules
from speakerd.realtime.history import OWN

RULES = {
    "half duplex": Rules(),
    "full duplex, facts": Rules(full_duplex=True, facts=True),
    "own turns, facts": Rules(local_turns=True, facts=True),
    "full duplex, own turns": Rules(full_duplex=True, local_turns=True),
}
BENIGN = {"response_cancel_not_active", "conversation_already_has_active_response"}
"""Errors that a race may end with."""

SENTENCES = ("what time is it", "tell me a story", "hello", "and now", "goodbye", "zebra")

Story = list[tuple[object, ...]]
"""What happens: names of methods of Halves, each with its arguments."""

going_on = st.sampled_from([1, 2, 3, 5, 8, 13, 34]).map(lambda rounds: ("pump", rounds))
answering = st.sampled_from([3, 8, 13, 21, 60]).map(lambda rounds: ("pump", rounds))
turns = st.tuples(st.sampled_from(SENTENCES), answering).map(lambda turn: [("say", turn[0]), turn[1]])
interruptions = st.tuples(
    st.sampled_from([("wake",), ("post", on.ActionPressed()), ("post", on.VoiceHeard(60_000))]), turns
).map(lambda parts: [parts[0], *parts[1]])
surprises = st.one_of(
    st.sampled_from([("cut",), ("refuse",), ("fail",), ("wake",), ("connect",), ("send",), ("receive",)]),
    st.integers(0, 3).map(lambda which: ("get_on", which)),
    st.sampled_from([1, 20, 200, 1000]).map(lambda ms: ("play", ms)),
    st.integers(0, 1).map(lambda which: ("finish_tool", which)),
    st.sampled_from([on.Timer.PHASE, on.Timer.ROLLOVER, on.Timer.HOLD]).map(lambda timer: ("run_out", timer)),
    st.sampled_from(
        [
            on.MutePressed(),
            on.EndAsked(),
            on.TextAsked(1, "hello"),
            on.TextAsked(2, "what time is it", aloud=False),
            on.VoiceGone(70_000),
        ]
    ).map(lambda event: ("post", event)),
).map(lambda happening: [happening])
scenes = st.one_of(turns, turns, interruptions, surprises, going_on.map(lambda pump: [pump]))
stories = st.lists(scenes, min_size=6, max_size=24).map(
    lambda parts: [("wake",), ("connect",), *(happening for part in parts for happening in part)]
)


def happen(halves: Halves, happening: tuple[object, ...]) -> None:
    name, *arguments = happening
    getattr(halves, str(name))(*arguments)


def check(halves: Halves) -> None:
    """What holds at any time."""
    for server in halves.servers.values():
        assert set(server.errors) <= BENIGN, server.errors
        assert set(server.outputs.values()) <= {1}, "a call is answered twice"
    assert isinstance(halves.state.phase, Idle) == (on.Timer.PHASE not in halves.timers)


def settle(halves: Halves) -> None:
    """Let everything come to rest."""
    for _ in range(100):
        halves.pump(5)
        if halves.is_at_rest:
            return
    raise AssertionError(f"never at rest: {halves.state}")


def check_agreement(halves: Halves) -> None:
    """At rest both sides know the same: the server's conversation is what was heard, and every call is answered."""
    number = talked_in(halves)
    if number is None:
        return
    server = halves.servers[number]
    assert server.active is None
    check_sound(halves, server)
    check_words(halves, server)
    check_told(halves, server)
    calls = {item.wire["call_id"] for item in server.items.values() if item.kind == "function_call"}
    outputs = {item.wire["call_id"] for item in server.items.values() if item.kind == "function_call_output"}
    endings = {each.wire["call_id"] for each in server.items.values() if each.wire.get("name") == "end_conversation"}
    assert calls - endings == outputs, "a call that is not answered"


def check_words(halves: Halves, server: HalfServer) -> None:
    """What the user said is known once and in order.

    Only what was acted upon before it was written down cannot be told to a new session.
    """
    known = " ".join(item.transcript for item in server.items.values() if item.kind == "user").split()
    said = " ".join(halves.said).split()
    if not any(item_id.startswith(OWN) for item_id in server.items):
        assert known == said
    rest = iter(said)
    assert all(word in rest for word in known), f"{known} is known, {said} was said"


def check_told(halves: Halves, server: HalfServer) -> None:
    """A new session is told of no word of an answer that was not heard, but for the one that was cut."""
    silent = {text for item_id, text in halves.written.items() if item_id not in halves.heard}
    heard = [words_in(pcm).split() for pcm in halves.heard.values()]
    for item_id, item in server.items.items():
        words = item.transcript.split()
        if item_id.startswith(OWN) and item.kind == "assistant" and item.transcript not in silent:
            assert any(words[: len(each)] == each[: len(words)] and len(words) <= len(each) + 2 for each in heard)


def check_sound(halves: Halves, server: HalfServer) -> None:
    for item_id, item in server.items.items():
        if item.kind == "assistant" and item.audio:
            heard_ms = len(halves.heard.get(item_id, b"")) // BYTES_PER_MS
            assert abs(item.audio_ms - heard_ms) <= 1, f"{item_id}: {heard_ms} ms were heard, {item.audio_ms} are known"


def check_recovery(halves: Halves) -> None:
    """Whatever came before, time alone leads to idle, and the next wake word to an answer."""
    for _ in range(8):
        if isinstance(halves.state.phase, Idle):
            break
        halves.run_out(on.Timer.PHASE)
        halves.refuse()
    assert isinstance(halves.state.phase, Idle), f"time does not end {halves.state.phase}"
    halves.post(on.MuteAsked(False))
    heard = set(halves.heard)
    halves.wake()
    halves.pump(2)
    halves.say("hello")
    settle(halves)
    assert set(halves.heard) - heard, f"no answer: {halves.state}"


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(RULES)), stories)
def test_both_halves_agree_whatever_happens(rules: str, story: Story) -> None:
    halves = Halves(RULES[rules])
    for happening in story:
        happen(halves, happening)
        check(halves)
    settle(halves)
    check(halves)
    check_agreement(halves)
    check_recovery(halves)
    check(halves)


def test_the_walk_can_fail() -> None:
    """Halves that do not agree are found out: the checks are not empty."""
    halves = Halves(RULES["half duplex"])
    for happening in (("wake",), ("connect",), ("say", "what time is it"), ("pump", 60)):
        happen(halves, happening)
    settle(halves)
    check_agreement(halves)
    (server,) = halves.servers.values()
    (answer,) = [item for item in server.items.values() if item.kind == "assistant"]
    halves.heard[answer.item_id] = pcm_of("it is")
    with pytest.raises(AssertionError, match="were heard"):
        check_agreement(halves)
    halves.said = []
    with pytest.raises(AssertionError):
        check_words(halves, server)
    server.outputs["call"] = 2
    with pytest.raises(AssertionError, match="twice"):
        check(halves)
