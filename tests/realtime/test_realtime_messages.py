"""Everything that we send is what the types of the SDK say, with no field that they do not know."""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeClientEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

from speakerd.core.events import Talker
from speakerd.ports import ToolSpec
from speakerd.realtime import messages, messages_decode, messages_items, messages_setup, received
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.history import Words

CLIENT_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)

CLOCK = ToolSpec("clock", "Tells the time.", {"type": "object", "properties": {}}, ("what time is it",))
TIMER = ToolSpec(
    "set_timer",
    "Sets a timer.",
    MappingProxyType({"type": "object", "properties": {"minutes": {"type": "integer"}}, "required": ["minutes"]}),
    ("set a timer for {minutes} minutes", "timer"),
)


PLACE = Endpoint("openai", "wss://h/", {}, "gpt-realtime-2.1-mini", instructions="Be brief.", voice="marin")


def set_up(*tools: ToolSpec, where: Endpoint = PLACE) -> Mapping[str, Any]:
    return messages_setup.session(where, tools)


def checked(frame: str) -> BaseModel:
    """The frame as the SDK's type; raises when a field is wrong, missing or unknown."""
    event = CLIENT_EVENT.validate_json(frame)
    assert isinstance(event, BaseModel)
    unknown = undeclared(event)
    if unknown:
        raise ValueError(f"unknown fields {unknown}")
    return event


def undeclared(model: object) -> list[str]:
    if isinstance(model, list):
        return [name for value in model for name in undeclared(value)]
    if not isinstance(model, BaseModel):
        return []
    known = [name for key in type(model).model_fields for name in undeclared(getattr(model, key))]
    return [*(model.model_extra or {}), *known]


EVENTS: list[tuple[messages.ClientEvent, dict[str, object]]] = [
    (messages.session_update(set_up(CLOCK, TIMER)), {"type": "session.update"}),
    (messages.session_update(set_up(CLOCK, TIMER, where=replace(PLACE, phrases=True))), {"type": "session.update"}),
    (messages.session_update(set_up(CLOCK, where=replace(PLACE, turns=None))), {"type": "session.update"}),
    (messages.append_audio(b"\x01\x02"), {"type": "input_audio_buffer.append", "audio": "AQI="}),
    (messages.commit_audio(), {"type": "input_audio_buffer.commit"}),
    (
        messages_items.told(Words("w1", Talker.USER, "hällo")),
        {
            "type": "conversation.item.create",
            "item": {
                "id": "w1",
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "hällo"}],
            },
        },
    ),
    (
        messages.tool_output("call_1", '{"ok":true}'),
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call_output", "call_id": "call_1", "output": '{"ok":true}'},
        },
    ),
    (
        messages.truncate_item("item_1", 1480),
        {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": 1480},
    ),
    (messages.delete_item("item_1"), {"type": "conversation.item.delete", "item_id": "item_1"}),
    (messages.create_response(), {"type": "response.create"}),
    (
        messages.create_response(aloud=False),
        {"type": "response.create", "response": {"output_modalities": ["text"]}},
    ),
    (
        messages.create_response(instructions="Go on."),
        {"type": "response.create", "response": {"instructions": "Go on."}},
    ),
    (messages.cancel_response("resp_1"), {"type": "response.cancel", "response_id": "resp_1"}),
]


@pytest.mark.parametrize(("event", "wire"), EVENTS, ids=lambda value: str(value.get("type")))
def test_every_event_is_what_the_sdk_says(event: messages.ClientEvent, wire: dict[str, object]) -> None:
    frame = messages.encode(event, "ours_7")
    checked(frame)
    assert {**wire, "event_id": "ours_7"}.items() <= json.loads(frame).items()


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "conversation.item.truncate", "item_id": "a", "audio_end_ms": 1},
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": "soon"},
        {"type": "response.cancel", "response": "resp_1"},
        {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"vad": {}}}}},
        {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["smell"]}},
        {"type": "conversation.item.insert", "item": {}},
    ],
    ids=json.dumps,
)
def test_the_check_can_fail(wrong: dict[str, object]) -> None:
    with pytest.raises((ValidationError, ValueError)):
        checked(messages.encode(wrong, "e"))


def test_the_set_up() -> None:
    assert set_up(TIMER, CLOCK) == {
        "type": "realtime",
        "model": "gpt-realtime-2.1-mini",
        "output_modalities": ["audio"],
        "instructions": "Be brief.",
        "tool_choice": "auto",
        "tools": [
            {"type": "function", "name": "clock", "description": "Tells the time.", "parameters": CLOCK.parameters},
            {"type": "function", "name": "set_timer", "description": "Sets a timer.", "parameters": TIMER.parameters},
        ],
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "noise_reduction": {"type": "far_field"},
                "transcription": {"model": "gpt-transcribe"},
                "turn_detection": {
                    "type": "semantic_vad",
                    "eagerness": "auto",
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
        },
        "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
    }


def test_only_phrases_adds_the_annotation() -> None:
    tool = set_up(TIMER, where=replace(PLACE, phrases=True))["tools"][0]
    assert tool["parameters"]["x-phrases"] == ["set a timer for {minutes} minutes", "timer"]
    assert "x-phrases" not in messages.encode(set_up(TIMER), "e")
    assert "x-phrases" not in TIMER.parameters


@pytest.mark.parametrize(
    ("phrases", "label"), [(True, {"type": "string", "examples": ["tea"]}), (False, {"type": "string"})]
)
def test_only_who_takes_phrases_is_told_example_values(phrases: bool, label: dict[str, Any]) -> None:
    named = {"label": {"type": "string", "examples": ["tea"]}, "examples": {"type": "integer"}, "any": True}
    tool = ToolSpec("set_timer", "Sets a timer.", {"type": "object", "properties": named})
    (sent,) = set_up(tool, where=replace(PLACE, phrases=phrases))["tools"]
    assert sent["parameters"]["properties"] == {**named, "label": label}
    bare = ToolSpec("stop", "Stops.", {"type": "object"})
    assert set_up(bare)["tools"][0]["parameters"] == {"type": "object"}


def test_the_set_up_is_byte_stable() -> None:
    swapped = ToolSpec(TIMER.name, TIMER.description, dict(reversed(list(TIMER.parameters.items()))))
    one = messages.encode(messages.session_update(set_up(CLOCK, TIMER)), "e")
    other = messages.encode(messages.session_update(set_up(swapped, CLOCK)), "e")
    assert one == other


@given(st.binary())
def test_audio_survives_both_ways(pcm: bytes) -> None:
    frame = json.loads(messages.encode(messages.append_audio(pcm), "e"))
    assert base64.b64decode(frame["audio"], validate=True) == pcm
    delta = {"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "delta": frame["audio"]}
    assert messages_decode.decode(json.dumps(delta)) == received.AudioDelta("r", "i", pcm)


@given(st.text())
def test_any_text_is_sent_as_ascii_and_unchanged(text: str) -> None:
    frame = messages.encode(messages_items.told(Words("w1", Talker.USER, text)), "e")
    assert frame.isascii()
    assert json.loads(frame)["item"]["content"][0]["text"] == text


def test_a_trace_shows_no_audio() -> None:
    assert messages.without_audio(messages.append_audio(b"12"))["audio"] == 4
    assert messages.without_audio({"type": "response.output_audio.delta", "delta": "MTI="})["delta"] == 4
    assert messages.without_audio(messages.create_response()) == {"type": "response.create"}


def test_wire_names_are_in_the_messages_files_alone() -> None:
    folder = Path(messages.__file__).parent
    wire_name = re.compile(r"(session|conversation|input_audio_buffer|response|rate_limits)\.[a-z_.]+")
    found = {
        file.name
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and wire_name.fullmatch(node.value)
    }
    assert found == {"messages.py", "messages_decode.py", "messages_items.py"}
