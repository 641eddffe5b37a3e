"""What the server says is understood, whatever is missing or new; whatever arrives, only ProtocolError is raised."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from fake_server import (
    CREATED,
    UPDATED,
    arguments_done,
    audio,
    audio_done,
    call_item,
    error,
    item_done,
    response_created,
    response_done,
    speech,
    transcript_done,
    user_transcript,
)
from speakerd.core.events import Status
from speakerd.core.usage import Usage
from speakerd.errors import ProtocolError
from speakerd.realtime import messages_decode, received
from speakerd.realtime.messages_decode import decode
from speakerd.realtime.received import FunctionCall

SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)

USAGE = {
    "total_tokens": 500,
    "input_tokens": 400,
    "output_tokens": 100,
    "input_token_details": {
        "text_tokens": 150,
        "audio_tokens": 250,
        "image_tokens": 0,
        "cached_tokens": 192,
        "cached_tokens_details": {"text_tokens": 128, "audio_tokens": 64, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 20, "audio_tokens": 80},
}
FAILED = {"type": "failed", "error": {"type": "server_error", "code": "rate_limit_exceeded", "message": "slow down"}}
CLOCK = FunctionCall("c1", "clock", "{}")
TEXT = {"event_id": "e", "response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}


def done(**fields: Any) -> received.ResponseDone:
    plain: dict[str, Any] = {"status": Status.COMPLETED, "detail": "", "error": None, "calls": (), "usage": None}
    return received.ResponseDone("resp_1", **{**plain, **fields})


WELL_FORMED: list[tuple[dict[str, Any], received.ServerMessage]] = [
    (CREATED, received.SessionCreated()),
    (UPDATED, received.SessionUpdated()),
    (
        error("response_cancel_not_active", "none", "ours_3"),
        received.ErrorReported("invalid_request_error", "response_cancel_not_active", "none", "ours_3"),
    ),
    (error(None, "oops", kind="server_error"), received.ErrorReported("server_error", "", "oops", "")),
    (speech()[0], received.SpeechStarted("user_1", 10)),
    (speech()[1], received.SpeechStopped("user_1", 900)),
    (speech()[2], received.Committed("user_1")),
    (response_created(), received.ResponseCreated("resp_1")),
    (audio(b"\x01\x02\x03"), received.AudioDelta("resp_1", "item_1", b"\x01\x02\x03")),
    (audio_done(), received.AudioDone("resp_1", "item_1")),
    (transcript_done("It is noon."), received.TranscriptDone("item_1", "It is noon.")),
    (
        user_transcript("What time is it?"),
        received.InputTranscribed("user_1", "What time is it?", Usage(seconds=1)),
    ),
    (user_transcript(""), received.InputTranscribed("user_1", "", Usage(seconds=1))),
    (
        {
            "type": "conversation.item.input_audio_transcription.failed",
            "event_id": "e",
            "item_id": "user_1",
            "content_index": 0,
            "error": {"type": "transcription_error", "message": "too short"},
        },
        received.TranscriptionFailed("user_1"),
    ),
    (
        {
            "type": "conversation.item.added",
            "event_id": "e",
            "previous_item_id": None,
            "item": {"id": "item_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []},
        },
        received.ItemAdded("item_1"),
    ),
    (
        {
            "type": "response.output_text.delta",
            "event_id": "e",
            "response_id": "resp_1",
            "item_id": "item_1",
            "output_index": 0,
            "content_index": 0,
            "delta": "It ",
        },
        received.TranscriptDelta("item_1", "It "),
    ),
    (
        {
            "type": "response.output_text.done",
            "event_id": "e",
            "response_id": "resp_1",
            "item_id": "item_1",
            "output_index": 0,
            "content_index": 0,
            "text": "It is noon.",
        },
        received.TranscriptDone("item_1", "It is noon."),
    ),
    (arguments_done("c1", "clock", "{}"), received.ArgumentsDone("resp_1", CLOCK)),
    (item_done(call_item("c1", "clock", "{}")), received.OutputItemDone("resp_1", "fc_c1", CLOCK)),
    (item_done(call_item("c1", "clock", "{", "incomplete")), received.OutputItemDone("resp_1", "fc_c1", None)),
    (response_done(), done()),
    (
        response_done(usage=USAGE),
        done(usage=Usage(150, 250, cached_text_in=128, cached_audio_in=64, text_out=20, audio_out=80)),
    ),
    (
        response_done("cancelled", status_details={"type": "cancelled", "reason": "turn_detected"}),
        done(status=Status.CANCELLED, detail="turn_detected"),
    ),
    (
        response_done("failed", status_details=FAILED),
        done(
            status=Status.FAILED,
            error=received.ErrorReported("server_error", "rate_limit_exceeded", "slow down", ""),
        ),
    ),
    (
        response_done(output=[call_item("c1", "clock", "{}"), call_item("c2", "clock", "{", "incomplete")]),
        done(calls=(CLOCK,)),
    ),
    (
        {
            "type": "conversation.item.truncated",
            "event_id": "e",
            "item_id": "item_1",
            "content_index": 0,
            "audio_end_ms": 700,
        },
        received.ItemTruncated("item_1", 700),
    ),
    (
        {"type": "conversation.item.deleted", "event_id": "e", "item_id": "item_1"},
        received.ItemDeleted("item_1"),
    ),
    (
        {
            "type": "rate_limits.updated",
            "event_id": "e",
            "rate_limits": [{"name": "tokens", "limit": 9, "remaining": 5, "reset_seconds": 1.5}],
        },
        received.RateLimitsUpdated((received.RateLimit("tokens", 5, 1.5),)),
    ),
    (
        {
            "type": "response.output_item.added",
            "event_id": "e",
            "response_id": "resp_1",
            "output_index": 0,
            "item": {
                "id": "item_1",
                "type": "message",
                "role": "assistant",
                "status": "in_progress",
                "content": [],
            },
        },
        received.OutputItemAdded("resp_1", "item_1"),
    ),
    (
        {
            "type": "response.output_audio_transcript.delta",
            "event_id": "e",
            "response_id": "resp_1",
            "item_id": "item_1",
            "output_index": 0,
            "content_index": 0,
            "delta": "It ",
        },
        received.TranscriptDelta("item_1", "It "),
    ),
    (
        {**TEXT, "type": "response.output_text.delta", "delta": "It "},
        received.TranscriptDelta("item_1", "It "),
    ),
    (
        {**TEXT, "type": "response.output_text.done", "text": "It is noon."},
        received.TranscriptDone("item_1", "It is noon."),
    ),
]


@pytest.mark.parametrize(("event", "message"), WELL_FORMED, ids=lambda value: str(value)[:60])
def test_a_real_event(event: dict[str, Any], message: received.ServerMessage) -> None:
    SERVER_EVENT.validate_python(event)
    assert decode(json.dumps(event)) == message
    assert decode(json.dumps({**event, "field_of_tomorrow": [1]}).encode()) == message


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"type": "input_audio_buffer.speech_started"}, received.SpeechStarted("")),
        ({"type": "response.done", "response": {"id": "resp_1"}}, done()),
        (response_done("asleep"), done(status=Status.INCOMPLETE)),
        (response_done(usage={"input_tokens": 30, "output_tokens": 7}), done(usage=Usage(audio_in=30, audio_out=7))),
        (response_done(usage={"input_tokens": None, "output_tokens": -7}), done(usage=Usage())),
        (response_done(usage=None), done()),
        (
            item_done({"type": "function_call", "id": "fc_9", "name": "clock", "arguments": "{}"}),
            received.OutputItemDone("resp_1", "fc_9", FunctionCall("fc_9", "clock", "{}")),
        ),
        (response_done(usage=5), done()),
        ({"type": "conversation.item.deleted"}, received.ItemDeleted("")),
        ({"type": "conversation.item.added"}, received.ItemAdded("")),
        ({"type": "conversation.retrieved"}, received.Unknown("conversation.retrieved")),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_subset_of_the_protocol_is_enough(event: dict[str, Any], message: received.ServerMessage) -> None:
    assert decode(json.dumps(event)) == message


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ("", "not JSON"),
        (b"\xff\xfe\xfd", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("1" * 5000, "not JSON"),
        ("[]", 'without a "type"'),
        ('{"type": 3}', 'without a "type"'),
        ('{"type": "error"}', 'malformed "error": "error" is not an object'),
        ('{"type": "response.created", "response": {}}', '"id" is missing'),
        ('{"type": "response.output_audio.done", "response_id": "r", "item_id": ["i"]}', '"item_id" is not a string'),
        (json.dumps({**audio(b""), "delta": "???"}), '"delta" is not base64'),
        (json.dumps({**audio(b""), "delta": "ü"}), '"delta" is not base64'),
        (json.dumps(response_done(status_details=5)), '"status_details" is not an object'),
        ('{"type": "response.done", "response": {"id": "r", "output": [1]}}', '"output" is not a list of objects'),
    ],
    ids=lambda value: str(value)[:40],
)
def test_rubbish_is_named(frame: str | bytes, words: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(frame)
    assert words in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KINDS = sorted([*messages_decode._READERS, *messages_decode._ALIASES])
FIELDS = ["response", "response_id", "item_id", "item", "delta", "error", "id", "output", "usage", "status_details"]
NAMES = st.sampled_from([*FIELDS, "status", "type", "call_id", "arguments", "name", "rate_limits", "transcript"])
NEARLY = st.recursive(
    JSON | st.sampled_from(["function_call", "completed", "cancelled", "aGk="]),
    lambda inner: st.dictionaries(NAMES, inner, max_size=6) | st.lists(inner, max_size=2),
    max_leaves=10,
)


@given(st.sampled_from(KINDS), st.dictionaries(NAMES, NEARLY, max_size=6))
def test_nearly_right_events_raise_nothing_else(kind: str, fields: dict[str, object]) -> None:
    with suppress(ProtocolError):
        decode(json.dumps({**fields, "type": kind}))


@given(st.binary() | st.text() | JSON.map(json.dumps))
def test_arbitrary_frames_raise_nothing_else(frame: str | bytes) -> None:
    with suppress(ProtocolError):
        decode(frame)


@given(JSON)
def test_every_other_type_is_unknown(value: object) -> None:
    assert decode(json.dumps({"type": "x.y", "value": value})) == received.Unknown("x.y")


def test_the_words_of_others_are_not_in_a_repr() -> None:
    for event in (transcript_done("secret"), user_transcript("secret"), error("x", "secret")):
        assert "secret" not in repr(decode(json.dumps(event)))
