"""Rubbish and random walks: nothing that a client sends, in any order, breaks the protocol."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offline_stage import Stage, Wire, append_of, error_of, of, only, pcm_of, user_text
from speakerd.offline.brain import Call, Part, Say
from speakerd.offline.protocol_admission import is_endpoint, model_of, refusal
from speakerd.offline.protocol_effects import Effect, Speak, Think, Transcribe


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ("null", "invalid_json"),
        ("NaN", "invalid_json"),
        ('{"type": "response.create", "response": {"metadata": {"a": NaN}}}', "invalid_json"),
        ('{"type": "session.update", "event_id": "\\ud800"}', "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ("1" * 5000, "invalid_json"),
        (b"{}", "invalid_value"),
        ("{}", "missing_required_parameter"),
        ('{"type": 5}', "invalid_value"),
        ('{"type": "session.\\ud83d\\ude00"}', "invalid_value"),
        ('{"type": "dance"}', "invalid_value"),
        ('{"type": "input_audio_buffer.append", "audio": 5}', "invalid_type"),
        ('{"type": "input_audio_buffer.append"}', "missing_required_parameter"),
        ('{"type": "response.cancel", "event_id": 5}', "invalid_type"),
        ('{"type": "conversation.item.truncate", "audio_end_ms": 1e400}', "invalid_json"),
    ],
)
def test_rubbish_is_an_error_event(message: str | bytes, code: str) -> None:
    stage = Stage()
    before = len(stage.events)
    stage.do(stage.protocol.receive(message))
    assert error_of(stage.events[before:])["code"] == code
    assert only(stage.send(user_text("hi"), {"type": "response.create"}), "response.done")


def test_the_error_for_an_unknown_type_names_the_field() -> None:
    error = error_of(Stage().send({"type": "dance", "event_id": "d1"}))
    assert (error["param"], error["event_id"]) == ("type", "d1")
    assert error["message"].startswith("Invalid value: 'dance'. Supported values are: 'session.update', ")


@pytest.mark.parametrize(
    ("target", "key", "required", "code"),
    [
        ("/v1/realtime?model=m", "", None, None),
        ("/v1/realtime?model=m", "Bearer k", "k", None),
        ("/v1/realtime?model=m", "Bearer ö", "k", 3000),
        ("/v1/realtime?model=m", "", "k", 3000),
        ("/v1/realtime", "", None, 4000),
        ("/v1/realtime?model=", "", None, 4000),
    ],
)
def test_admission(target: str, key: str, required: str | None, code: int | None) -> None:
    refused = refusal(target, key, required)
    assert (refused[1].code if refused else None) == code


def test_the_target_names_endpoint_and_model() -> None:
    assert [is_endpoint(each) for each in ("/v1/realtime?x", "/v1/realtime", "/", "/v1/realtimes")] == [
        True,
        True,
        False,
        False,
    ]
    assert model_of("/v1/realtime?x=1&model=a%20b&model=c") == "a b"


item_ids = st.sampled_from(["a", "b", "c", "root", "item_t0000009", "item_t000000f", "newest"])
items = st.one_of(
    st.builds(
        lambda item_id, text: user_text(text, id=item_id)["item"], st.one_of(st.none(), item_ids), st.text(max_size=5)
    ),
    st.just({"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"}),
    st.just({"type": "function_call_output", "call_id": "c", "output": "done"}),
    st.just({"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"}]}),
)
detections = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"type": st.just("server_vad")},
        optional={
            "idle_timeout_ms": st.just(5000),
            "interrupt_response": st.booleans(),
            "create_response": st.booleans(),
            "silence_duration_ms": st.sampled_from([300, 700]),
        },
    ),
)
responses = st.fixed_dictionaries(
    {},
    optional={
        "conversation": st.sampled_from(["auto", "none"]),
        "output_modalities": st.sampled_from([["audio"], ["text"], []]),
        "max_output_tokens": st.sampled_from([1, 6, "inf"]),
        "input": st.lists(
            st.one_of(items, st.builds(lambda i: {"type": "item_reference", "id": i}, item_ids)), max_size=2
        ),
    },
)
client_events = st.one_of(
    st.builds(
        lambda turn_detection, transcription: {
            "type": "session.update",
            "session": {
                "type": "realtime",
                "audio": {"input": {"turn_detection": turn_detection, "transcription": transcription}},
            },
        },
        detections,
        st.sampled_from([None, {"model": "m"}]),
    ),
    st.builds(append_of, st.sampled_from([0, 50, 1000, 6000])),
    st.sampled_from([{"type": "input_audio_buffer.commit"}, {"type": "input_audio_buffer.clear"}]),
    st.builds(
        lambda item, previous: {"type": "conversation.item.create", "item": item, "previous_item_id": previous},
        items,
        st.one_of(st.none(), item_ids),
    ),
    st.builds(
        lambda verb, item_id: {"type": f"conversation.item.{verb}", "item_id": item_id},
        st.sampled_from(["delete", "retrieve"]),
        item_ids,
    ),
    st.builds(
        lambda item_id, end: {
            "type": "conversation.item.truncate",
            "item_id": item_id,
            "content_index": 0,
            "audio_end_ms": end,
        },
        item_ids,
        st.integers(0, 900),
    ),
    st.builds(lambda response: {"type": "response.create", "response": response}, responses),
    st.just({"type": "response.cancel"}),
)
happenings = st.one_of(
    st.tuples(st.sampled_from(["began", "over"]), st.integers(0, 3000)),
    st.tuples(st.sampled_from(["heard", "not heard", "thought", "spoke", "spoken", "failed"]), st.integers(0, 5)),
)
parts: list[Part] = [Say("hello there"), Call("f", {"a": 1}), Say("good bye")]


class Walker:
    """A stage on which the brain answers late, twice, or never, as a random walk will have it."""

    def __init__(self) -> None:
        self.stage = Stage(plays=frozenset())

    def go(self, step: Wire | tuple[str, int]) -> None:
        if isinstance(step, tuple):
            self.stage.do(self._happen(*step))
        elif step.get("item_id") == "newest":
            self.stage.send({**step, "item_id": self._newest()})
        else:
            self.stage.send(step)

    def _happen(self, name: str, number: int) -> list[Effect]:
        protocol, asked = self.stage.protocol, self.stage.asked
        heard = [each.item_id for each in asked if isinstance(each, Transcribe)] or ["x"]
        thinks = [each.response_id for each in asked if isinstance(each, Think)] or ["x"]
        speaks = [each.response_id for each in asked if isinstance(each, Speak)] or ["x"]
        match name:
            case "began":
                return protocol.speech_began(number)
            case "over":
                return protocol.speech_over(number)
            case "heard":
                return protocol.transcribed(heard[number % len(heard)], "hello")
            case "not heard":
                return protocol.not_transcribed(heard[number % len(heard)], "deaf")
            case "thought":
                return self._think(thinks[number % len(thinks)], number)
            case "spoke":
                return protocol.spoke(speaks[-1], pcm_of(number * 100))
            case "spoken":
                return protocol.spoken(speaks[-1])
            case _:
                return protocol.failed(thinks[number % len(thinks)], "failed")

    def _think(self, response_id: str, number: int) -> list[Effect]:
        # The server answers each question once.
        self.stage.asked = [
            each for each in self.stage.asked if not (isinstance(each, Think) and each.response_id == response_id)
        ]
        return self.stage.protocol.thought(response_id, parts[: number + 1])

    def _newest(self) -> str:
        added = of(self.stage.events, "conversation.item.added")
        return str(added[-1]["item"]["id"]) if added else "none"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(client_events, happenings), max_size=40))
def test_random_walks_keep_the_laws(steps: list[Any]) -> None:
    walker = Walker()
    for step in steps:
        walker.go(step)
    check_laws(walker.stage.events)
    # Whatever happened, the session still answers.
    walker.stage.plays = frozenset({Transcribe, Think, Speak})
    walker.stage.send({"type": "response.cancel"}, user_text("still there"))
    assert only(walker.stage.send({"type": "response.create"}), "response.done")


def check_laws(events: list[Wire]) -> None:
    active: str | None = None
    present: set[str] = set()
    for event in events:
        kind, response = event["type"], event.get("response", {})
        in_band = response.get("conversation_id") is not None
        if kind == "response.created" and in_band:
            assert active is None
            active = response["id"]
        if kind == "response.done" and in_band:
            assert active == response["id"]
            active = None
        if kind == "conversation.item.added":
            assert event["item"]["id"] not in present
            assert event["previous_item_id"] in present | {None}
            present.add(event["item"]["id"])
        if kind == "conversation.item.deleted":
            present.remove(event["item_id"])
    created = [each["response"]["id"] for each in of(events, "response.created")]
    done = Counter(each["response"]["id"] for each in of(events, "response.done"))
    assert len(set(created)) == len(created)
    assert set(done) <= set(created)
    assert set(done.values()) <= {1}
    assert set(created) - set(done) <= set(unfinished(events))
    for pair in ("response.output_item", "response.content_part"):
        closed = Counter(key(each) for each in of(events, f"{pair}.done"))
        opened = Counter(key(each) for each in of(events, f"{pair}.added"))
        assert closed <= opened
        assert all(response_id in unfinished(events) for response_id, *_ in (opened - closed))
    event_ids = [each["event_id"] for each in events]
    assert len(set(event_ids)) == len(event_ids)
    assert json.dumps(events, allow_nan=False)


def key(event: Wire) -> tuple[str, int, str]:
    return event["response_id"], event["output_index"], event.get("item_id", "")


def unfinished(events: list[Wire]) -> set[str]:
    done = {each["response"]["id"] for each in of(events, "response.done")}
    return {each["response"]["id"] for each in of(events, "response.created")} - done
