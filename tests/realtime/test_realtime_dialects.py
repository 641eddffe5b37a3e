"""What each family of servers is told, and that what it says is understood: one table for each.

What they say is as recorded, or as their own code of 2026 writes it: xAI (pipecat, LiveKit), mudler/LocalAI,
huggingface/speech-to-speech.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.core.events import Status
from speakerd.core.usage import Usage
from speakerd.ports import ToolSpec
from speakerd.realtime import messages, messages_errors, messages_setup, received
from speakerd.realtime.endpoint import Endpoint, TurnDetection
from speakerd.realtime.messages_decode import decode
from speakerd.realtime.messages_dialects import AZURE, LOCALAI, OPENAI, SPEECH_TO_SPEECH, XAI, Dialect
from speakerd.realtime.received import FunctionCall
from test_realtime_messages import checked

Wire = dict[str, Any]

PCM = {"type": "audio/pcm", "rate": 24_000}
CLOCK = ToolSpec("clock", "Tells the time.", {"type": "object", "properties": {}})
CLOCK_WIRE = {"type": "function", "name": "clock", "description": "Tells the time.", "parameters": CLOCK.parameters}
SERVER_VAD = {
    "type": "server_vad",
    "prefix_padding_ms": 300,
    "silence_duration_ms": 800,
    "create_response": True,
    "interrupt_response": True,
}


def at(dialect: Dialect, model: str = "m", **wishes: Any) -> Endpoint:
    return Endpoint("here", "ws://h/", {}, model, dialect=dialect, instructions="Be brief.", **wishes)


def told(where: Endpoint) -> Mapping[str, Any]:
    return messages_setup.session(where, [CLOCK])


def test_xai_is_told_at_the_top_level() -> None:
    assert told(at(XAI, voice="eve", transcription_model="", language="de")) == {
        "instructions": "Be brief.",
        "tools": [CLOCK_WIRE],
        "voice": "eve",
        "turn_detection": {"type": "server_vad", "prefix_padding_ms": 300, "silence_duration_ms": 800},
        "audio": {"input": {"format": PCM, "transcription": {"language_hint": "de"}}, "output": {"format": PCM}},
    }
    bare = told(at(XAI, transcription_model="", turns=None))
    assert "voice" not in bare
    assert bare["turn_detection"] is None
    assert bare["audio"] == {"input": {"format": PCM}, "output": {"format": PCM}}


@pytest.mark.parametrize("dialect", [LOCALAI, SPEECH_TO_SPEECH], ids=lambda dialect: dialect.name)
def test_a_server_at_home_is_told_what_it_knows(dialect: Dialect) -> None:
    where = at(dialect, model="", transcription_model="")
    assert told(where) == {
        "type": "realtime",
        "output_modalities": ["audio"],
        "instructions": "Be brief.",
        "tool_choice": "auto",
        "tools": [CLOCK_WIRE],
        "audio": {"input": {"format": PCM, "turn_detection": SERVER_VAD}, "output": {"format": PCM}},
    }
    wished = told(replace(where, model="qwen", voice="amy", transcription_model="base", language="de"))
    assert (wished["model"], wished["audio"]["output"]["voice"]) == ("qwen", "amy")
    assert wished["audio"]["input"]["transcription"] == {"model": "base", "language": "de"}


@pytest.mark.parametrize(
    ("wishes", "path", "wire"),
    [
        ({}, "truncation", {"type": "retention_ratio", "retention_ratio": 0.8}),
        ({"retention_ratio": 0.5}, "truncation", {"type": "retention_ratio", "retention_ratio": 0.5}),
        ({}, "max_output_tokens", "absent"),
        ({"max_output_tokens": 400}, "max_output_tokens", 400),
        ({}, "audio.input.noise_reduction", {"type": "far_field"}),
        ({"noise_reduction": "near_field"}, "audio.input.noise_reduction", {"type": "near_field"}),
        ({"noise_reduction": None}, "audio.input.noise_reduction", None),
        ({}, "audio.input.transcription", {"model": "gpt-transcribe"}),
        ({"language": "de"}, "audio.input.transcription", {"model": "gpt-transcribe", "language": "de"}),
        ({"transcribes": False, "transcription_model": ""}, "audio.input.transcription", None),
        ({"voice": "cedar"}, "audio.output.voice", "cedar"),
        ({}, "audio.output.voice", "absent"),
        ({}, "reasoning", "absent"),
        ({"turns": None}, "audio.input.turn_detection", None),
        (
            {"turns": TurnDetection(eagerness="low", interrupts=False)},
            "audio.input.turn_detection",
            {"type": "semantic_vad", "eagerness": "low", "create_response": True, "interrupt_response": False},
        ),
        ({"turns": TurnDetection(by_meaning=False)}, "audio.input.turn_detection", SERVER_VAD),
        (
            {"turns": TurnDetection(by_meaning=False, silence_ms=500, prefix_ms=100, threshold=0.7)},
            "audio.input.turn_detection",
            {**SERVER_VAD, "silence_duration_ms": 500, "prefix_padding_ms": 100, "threshold": 0.7},
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("dialect", [OPENAI, AZURE], ids=lambda dialect: dialect.name)
def test_each_wish_has_its_place(dialect: Dialect, wishes: Wire, path: str, wire: object) -> None:
    session: Any = told(at(dialect, **wishes))
    checked(messages.encode(messages.session_update(session), "e"))
    for key in path.split("."):
        session = session.get(key, "absent")
    assert session == wire


@pytest.mark.parametrize(
    ("dialect", "model", "effort", "wire"),
    [
        (OPENAI, "gpt-realtime-2.1-mini", "low", {"effort": "low"}),
        (OPENAI, "gpt-realtime-2", "xhigh", {"effort": "xhigh"}),
        (OPENAI, "gpt-realtime-2.1", "", None),
        (OPENAI, "gpt-realtime-1.5", "low", None),
        (OPENAI, "", "low", None),
        (AZURE, "my-deployment", "minimal", {"effort": "minimal"}),
        (XAI, "grok-voice-latest", "minimal", {"effort": "none"}),
        (XAI, "grok-voice-think-fast-1.0", "medium", {"effort": "high"}),
        (XAI, "grok-voice-fast-1.0", "high", None),
        (LOCALAI, "gpt-realtime-2", "high", None),
        (SPEECH_TO_SPEECH, "gpt-realtime-2", "high", None),
    ],
)
def test_only_models_that_think_are_told_how_much(dialect: Dialect, model: str, effort: str, wire: object) -> None:
    assert told(at(dialect, model, reasoning_effort=effort)).get("reasoning") == wire


TURNS = st.none() | st.builds(
    TurnDetection,
    by_meaning=st.booleans(),
    eagerness=st.sampled_from(["auto", "low", "medium", "high"]),
    silence_ms=st.integers(200, 5000),
    prefix_ms=st.integers(0, 2000),
    threshold=st.floats(0, 1),
    interrupts=st.booleans(),
)
PLACES = st.builds(
    Endpoint,
    name=st.just("here"),
    url=st.just("ws://h/"),
    headers=st.just({}),
    model=st.sampled_from(["", "gpt-realtime-2.1", "gpt-realtime-1.5", "offline"]),
    dialect=st.sampled_from([OPENAI, AZURE, LOCALAI, SPEECH_TO_SPEECH]),
    phrases=st.booleans(),
    instructions=st.text(),
    voice=st.sampled_from(["", "marin"]),
    turns=TURNS,
    transcribes=st.booleans(),
    transcription_model=st.sampled_from(["", "gpt-transcribe"]),
    language=st.sampled_from(["", "de"]),
    noise_reduction=st.sampled_from([None, "far_field", "near_field"]),
    reasoning_effort=st.sampled_from(["", "minimal", "low", "medium", "high", "xhigh"]),
    max_output_tokens=st.integers(0, 4096),
    retention_ratio=st.floats(0.1, 1),
)


@given(PLACES)
def test_whatever_is_wished_is_what_the_sdk_says(where: Endpoint) -> None:
    frame = messages.encode(messages.session_update(told(where)), "e")
    checked(frame)
    assert frame == messages.encode(messages.session_update(told(replace(where))), "e")


XAI_ITEM = {"id": "m1", "object": "realtime.item", "type": "message", "role": "assistant", "content": []}
XAI_CALL = {"id": "f1", "type": "function_call", "call_id": "call_1", "name": "clock", "arguments": "{}"}
CLOCK_CALL = FunctionCall("call_1", "clock", "{}")

XAI_SAYS: list[tuple[Wire, received.ServerMessage]] = [
    (
        {
            "type": "conversation.created",
            "event_id": "e",
            "conversation": {"id": "c", "object": "realtime.conversation"},
        },
        received.SessionCreated(),
    ),
    ({"type": "session.updated", "event_id": "e", "session": {"voice": "eve"}}, received.SessionUpdated()),
    ({"type": "ping", "event_id": "e", "timestamp": 1795716000000}, received.Unknown("ping")),
    (
        {"type": "conversation.item.added", "event_id": "e", "previous_item_id": None, "item": XAI_ITEM},
        received.ItemAdded("m1"),
    ),
    (
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "event_id": "e",
            "item_id": "u1",
            "transcript": "what",
            "status": "in_progress",
        },
        received.Unknown("conversation.item.input_audio_transcription.delta"),
    ),
    (
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "event_id": "e",
            "item_id": "u1",
            "transcript": "what time is it",
            "status": "completed",
        },
        received.InputTranscribed("u1", "what time is it"),
    ),
    (
        {
            "type": "response.output_audio.delta",
            "event_id": "e",
            "response_id": "r1",
            "item_id": "m1",
            "output_index": 0,
            "content_index": 0,
            "delta": "AQI=",
        },
        received.AudioDelta("r1", "m1", b"\x01\x02"),
    ),
    (
        {"type": "response.function_call_arguments.done", "call_id": "call_1", "name": "clock", "arguments": "{}"},
        received.Unknown("response.function_call_arguments.done"),
    ),
    (
        {"type": "response.output_item.done", "response_id": "r1", "output_index": 1, "item": XAI_CALL},
        received.OutputItemDone("r1", "f1", CLOCK_CALL),
    ),
    (
        {
            "type": "response.done",
            "event_id": "e",
            "response": {"id": "r1", "object": "realtime.response", "status": "completed", "output": [], "usage": {}},
            "usage": {"total_tokens": 37, "input_tokens": 30, "output_tokens": 7},
        },
        received.ResponseDone("r1", Status.COMPLETED, "", None, (), Usage(audio_in=30, audio_out=7)),
    ),
    (
        {"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [XAI_CALL]}},
        received.ResponseDone("r1", Status.COMPLETED, "", None, (CLOCK_CALL,), None),
    ),
    ({"type": "conversation.item.deleted", "event_id": "e", "item_id": ""}, received.ItemDeleted("")),
]

LOCALAI_SAYS: list[tuple[Wire, received.ServerMessage]] = [
    (
        {"type": "session.created", "event_id": "event_TODO", "session": {"type": "realtime", "id": "s"}},
        received.SessionCreated(),
    ),
    (
        {"type": "input_audio_buffer.speech_started", "event_id": "event_TODO", "audio_start_ms": 812, "item_id": ""},
        received.SpeechStarted("", 812),
    ),
    (
        {"type": "input_audio_buffer.committed", "previous_item_id": "TODO", "item_id": "item_2"},
        received.Committed("item_2"),
    ),
    (
        {
            "type": "conversation.item.added",
            "item": {
                "type": "message",
                "id": "item_3",
                "role": "user",
                "content": [{"type": "input_audio", "audio": "AAAA", "transcript": "hello"}],
            },
        },
        received.ItemAdded("item_3"),
    ),
    (
        {"type": "conversation.item.speaker", "item_id": "i", "speaker": {}},
        received.Unknown("conversation.item.speaker"),
    ),
    (
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "code": "not_implemented", "message": "Deleting", "param": ""},
        },
        received.ErrorReported("invalid_request_error", "not_implemented", "Deleting", ""),
    ),
    (
        {"type": "response.done", "response": {"id": "r1", "object": "realtime.response", "status": "completed"}},
        received.ResponseDone("r1", Status.COMPLETED, "", None, (), None),
    ),
]

HOME_USAGE = {
    "total_tokens": 41,
    "input_tokens": 33,
    "output_tokens": 8,
    "input_token_details": {"audio_tokens": 0, "cached_tokens": 0, "image_tokens": 0, "text_tokens": 33},
    "output_token_details": {"audio_tokens": 0, "text_tokens": 8},
}
SPEECH_TO_SPEECH_SAYS: list[tuple[Wire, received.ServerMessage]] = [
    (
        {
            "type": "conversation.item.created",
            "event_id": "e",
            "previous_item_id": None,
            "item": {"type": "message", "id": "item_1", "role": "user", "content": []},
        },
        received.ItemAdded("item_1"),
    ),
    (
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "event_id": "e",
            "item_id": "item_1",
            "content_index": 0,
            "transcript": "hello",
            "usage": {"type": "duration", "seconds": 1.6},
        },
        received.InputTranscribed("item_1", "hello", Usage(seconds=1.6)),
    ),
    (
        {
            "type": "error",
            "event_id": "e",
            "error": {"type": "conversation_already_has_active_response", "message": "busy", "code": None},
        },
        received.ErrorReported("conversation_already_has_active_response", messages_errors.ACTIVE_RESPONSE, "busy", ""),
    ),
    (
        {
            "type": "response.done",
            "event_id": "e",
            "response": {"id": "r1", "status": "completed", "output": [XAI_CALL], "usage": HOME_USAGE},
        },
        received.ResponseDone("r1", Status.COMPLETED, "", None, (CLOCK_CALL,), Usage(text_in=33, text_out=8)),
    ),
]

BEFORE_GA_SAYS: list[tuple[Wire, received.ServerMessage]] = [
    (
        {"type": "response.audio.delta", "response_id": "r1", "item_id": "m1", "delta": "AQI="},
        received.AudioDelta("r1", "m1", b"\x01\x02"),
    ),
    ({"type": "response.audio.done", "response_id": "r1", "item_id": "m1"}, received.AudioDone("r1", "m1")),
    (
        {"type": "response.audio_transcript.delta", "item_id": "m1", "delta": "It "},
        received.TranscriptDelta("m1", "It "),
    ),
    (
        {"type": "response.audio_transcript.done", "item_id": "m1", "transcript": "It is noon."},
        received.TranscriptDone("m1", "It is noon."),
    ),
    ({"type": "response.text.delta", "item_id": "m1", "delta": "It "}, received.TranscriptDelta("m1", "It ")),
    (
        {"type": "response.text.done", "item_id": "m1", "text": "It is noon."},
        received.TranscriptDone("m1", "It is noon."),
    ),
]


@pytest.mark.parametrize(
    ("event", "message"), [*XAI_SAYS, *LOCALAI_SAYS, *SPEECH_TO_SPEECH_SAYS, *BEFORE_GA_SAYS], ids=lambda x: str(x)[:60]
)
def test_what_others_say_is_understood(event: Wire, message: received.ServerMessage) -> None:
    assert decode(json.dumps(event)) == message


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.audio.delta", "delta": "c2VjcmV0"},
        {"type": "response.output_audio.delta", "delta": "c2VjcmV0"},
        {"type": "conversation.item.added", "item": {"content": [{"type": "input_audio", "audio": "c2VjcmV0"}]}},
        {"type": "conversation.item.done", "item": {"content": [{"type": "input_audio", "audio": "c2VjcmV0"}]}},
        {"type": "response.content_part.done", "part": {"type": "audio", "audio": "c2VjcmV0"}},
        {"type": "response.done", "response": {"output": [{"content": [{"audio": "c2VjcmV0", "transcript": "hi"}]}]}},
        {"type": "x", "a": [[[[[[[[["c2VjcmV0"]]]]]]]]]},
    ],
    ids=str,
)
def test_a_trace_never_holds_sound(event: Wire) -> None:
    shown = messages.without_audio(event)
    assert "c2VjcmV0" not in json.dumps(shown)
    assert shown["type"] == event["type"]
    deep: Any = "leaf"
    for _ in range(900):
        deep = {"audio": deep}
    assert "leaf" not in json.dumps(messages.without_audio({"type": "x", "deep": deep}))
