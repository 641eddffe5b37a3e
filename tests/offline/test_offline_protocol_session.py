from __future__ import annotations

from typing import Any

import pytest

from offline_stage import Stage, Wire, append_of, error_of, kinds, only, user_text
from speakerd.offline.brain import Call
from speakerd.offline.protocol_effects import Prepare, StartEndpointing, StopEndpointing, Think, Transcribe
from speakerd.ports import ToolSpec


def update(**fields: Any) -> Wire:
    return {"type": "session.update", "event_id": "e1", "session": {"type": "realtime", **fields}}


def audio_input(**fields: Any) -> Wire:
    return update(audio={"input": fields})


def session_of(events: list[Wire]) -> Wire:
    session: Wire = only(events, "session.updated")["session"]
    return session


LIGHT: Wire = {
    "type": "function",
    "name": "light",
    "description": "Switches the light.",
    "parameters": {"type": "object", "properties": {}, "x-phrases": ["light (on|off)"]},
}
LIGHT_SPEC = ToolSpec("light", "Switches the light.", {"type": "object", "properties": {}}, ("light (on|off)",))


def test_the_first_event_shows_the_whole_session() -> None:
    stage = Stage()
    session = only(stage.events, "session.created")["session"]
    pcm = {"type": "audio/pcm", "rate": 24000}
    assert session == {
        "type": "realtime",
        "object": "realtime.session",
        "id": "sess_t0000001",
        "expires_at": 1_800_000_000,
        "model": "test",
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": None,
        "max_output_tokens": "inf",
        "truncation": "auto",
        "tracing": None,
        "prompt": None,
        "include": None,
        "audio": {
            "input": {
                "format": pcm,
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 700,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": pcm, "voice": "marin", "speed": 1.0},
        },
    }
    assert stage.asked == [StartEndpointing(700, 0.5)]


@pytest.mark.parametrize(
    ("patch", "path", "value"),
    [
        ({"instructions": "Be brief."}, ["instructions"], "Be brief."),
        ({"tracing": "auto"}, ["tracing"], "auto"),
        ({"tracing": {"workflow_name": "w"}}, ["tracing"], {"workflow_name": "w"}),
        ({"output_modalities": ["text"]}, ["output_modalities"], ["text"]),
        ({"max_output_tokens": 4096}, ["max_output_tokens"], 4096),
        ({"model": "other"}, ["model"], "other"),
        ({"tools": [LIGHT]}, ["tools"], [LIGHT]),
        ({"tool_choice": {"type": "function", "name": "light"}}, ["tool_choice", "name"], "light"),
        ({"audio": {"output": {"voice": "ash"}}}, ["audio", "output", "voice"], "ash"),
        ({"audio": {"output": {"voice": "ash"}}}, ["audio", "output", "speed"], 1.0),
        ({"audio": {"output": {"voice": {"id": "v1"}}}}, ["audio", "output", "voice"], "v1"),
        ({"audio": {"input": {"turn_detection": None}}}, ["audio", "input", "turn_detection"], None),
        ({"audio": {"input": {"noise_reduction": {"type": "far_field"}}}}, ["audio", "output", "voice"], "marin"),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}},
            ["audio", "input", "turn_detection"],
            {"type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True},
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}}},
            ["audio", "input", "turn_detection", "silence_duration_ms"],
            700,
        ),
        ({"truncation": {"type": "retention_ratio", "retention_ratio": 0.8}}, ["truncation", "retention_ratio"], 0.8),
    ],
)
def test_an_update_changes_what_is_present(patch: Wire, path: list[str], value: Any) -> None:
    found: Any = session_of(Stage().send(update(**patch)))
    for key in path:
        found = found[key]
    assert found == value


def test_an_update_leaves_the_rest_and_null_clears() -> None:
    stage = Stage()
    stage.send(update(instructions="Be brief.", tools=[LIGHT], max_output_tokens=10))
    session = session_of(stage.send(update(tools=[])))
    assert (session["tools"], session["instructions"], session["max_output_tokens"]) == ([], "Be brief.", 10)
    session = session_of(stage.send(update(instructions=None, max_output_tokens=None, audio=None)))
    assert (session["instructions"], session["max_output_tokens"]) == ("", "inf")


@pytest.mark.parametrize(
    ("event", "code", "param", "message"),
    [
        (update(x=1), "unknown_parameter", "session.x", "Unknown parameter: 'session.x'."),
        (
            audio_input(x=1),
            "unknown_parameter",
            "session.audio.input.x",
            "Unknown parameter: 'session.audio.input.x'.",
        ),
        (
            {"type": "session.update", "event_id": "e1", "session": {}},
            "missing_required_parameter",
            "session.type",
            "Missing required parameter: 'session.type'.",
        ),
        (
            {"type": "session.update", "event_id": "e1"},
            "missing_required_parameter",
            "session",
            "Missing required parameter: 'session'.",
        ),
        (
            update(instructions=5),
            "invalid_type",
            "session.instructions",
            "Invalid type for 'session.instructions': expected a string, but got an integer instead.",
        ),
        (
            update(tool_choice=True),
            "invalid_type",
            "session.tool_choice",
            "Invalid type for 'session.tool_choice': expected one of a string or an object, but got a boolean instead.",
        ),
        (
            update(output_modalities=["audio", "text"]),
            "invalid_value",
            "session.output_modalities",
            "Invalid modalities: ['audio', 'text']. Supported combinations are: ['text'] and ['audio'].",
        ),
        (
            audio_input(turn_detection={"type": "magic"}),
            "invalid_value",
            "session.audio.input.turn_detection.type",
            "Invalid value: 'magic'. Supported values are: 'server_vad' and 'semantic_vad'.",
        ),
        (
            audio_input(turn_detection={}),
            "missing_required_parameter",
            "session.audio.input.turn_detection.type",
            "Missing required parameter: 'session.audio.input.turn_detection.type'.",
        ),
        (
            audio_input(format={"type": "audio/pcmu"}),
            "invalid_value",
            "session.audio.input.format.type",
            "Invalid value: 'audio/pcmu'. Supported values are: 'audio/pcm'.",
        ),
        (
            audio_input(turn_detection={"type": "server_vad", "threshold": 2}),
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
            "Invalid 'session.audio.input.turn_detection.threshold': expected a value from 0.0 to 1.0, "
            "but got 2 instead.",
        ),
        (
            audio_input(turn_detection={"type": "server_vad", "silence_duration_ms": 1.5}),
            "invalid_type",
            "session.audio.input.turn_detection.silence_duration_ms",
            "Invalid type for 'session.audio.input.turn_detection.silence_duration_ms': expected an integer, "
            "but got a decimal number instead.",
        ),
        (
            update(model="m" * 257),
            "string_above_max_length",
            "session.model",
            "Invalid 'session.model': string too long. Expected a string with maximum length 256, "
            "but got a string with length 257 instead.",
        ),
        (
            update(output_modalities=["audio"] * 3),
            "array_above_max_length",
            "session.output_modalities",
            "Invalid 'session.output_modalities': array too long. Expected an array with maximum length 2.",
        ),
    ],
)
def test_a_bad_update_is_refused_whole(event: Wire, code: str, param: str, message: str) -> None:
    stage = Stage()
    if "session" in event and "type" in event["session"]:
        event["session"] = {**event["session"], "tool_choice": event["session"].get("tool_choice", "none")}
    assert error_of(stage.send(event)) == {
        "type": "invalid_request_error",
        "code": code,
        "message": message,
        "param": param,
        "event_id": "e1",
    }
    assert session_of(stage.send(update()))["tool_choice"] == "auto"


def test_deep_json_is_refused() -> None:
    deep: Wire = {}
    for _ in range(200):
        deep = {"inner": [deep]}
    error = error_of(Stage().send(update(tools=[{**LIGHT, "parameters": deep}])))
    assert error["code"] == "invalid_value"
    assert "nested too deeply" in error["message"]


def test_voice_and_model_are_frozen_once_audio_was_output() -> None:
    stage = Stage()
    stage.send(user_text("hi"), {"type": "response.create"})
    assert error_of(stage.send(update(audio={"output": {"voice": "ash"}})))["code"] == "cannot_update_voice"
    assert error_of(stage.send(update(model="other")))["param"] == "session.model"
    same = update(model="test", instructions="x", audio={"output": {"voice": "marin"}})
    assert kinds(stage.send(same)) == ["session.updated"]


def test_a_response_in_text_freezes_nothing() -> None:
    stage = Stage()
    stage.send(update(output_modalities=["text"]), user_text("hi"), {"type": "response.create"})
    assert kinds(stage.send(update(audio={"output": {"voice": "ash"}}))) == ["session.updated"]


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ({"type": "server_vad", "silence_duration_ms": 500, "threshold": 0.8}, [StartEndpointing(500, 0.8)]),
        ({"type": "server_vad", "silence_duration_ms": 0}, [StartEndpointing(200, 0.5)]),
        ({"type": "semantic_vad", "eagerness": "low"}, [StartEndpointing(1200, 0.5)]),
        ({"type": "semantic_vad", "eagerness": "high"}, [StartEndpointing(400, 0.5)]),
        ({"type": "semantic_vad", "eagerness": None}, []),
        ({"type": "server_vad", "create_response": False}, []),
        (None, [StopEndpointing()]),
    ],
)
def test_the_endpointer_follows_the_session(detection: Wire | None, expected: list[Any]) -> None:
    stage = Stage()
    stage.asked.clear()
    stage.send(audio_input(turn_detection=detection))
    assert stage.asked == [Prepare(()), *expected]


@pytest.mark.parametrize(
    ("tools", "choice", "expected"),
    [
        ([LIGHT], "auto", (LIGHT_SPEC,)),
        ([LIGHT], "required", (LIGHT_SPEC,)),
        ([LIGHT], "none", ()),
        ([LIGHT, {"type": "function", "name": "b"}], {"type": "function", "name": "b"}, (ToolSpec("b", "", {}),)),
        ([{"type": "mcp", "server_label": "s", "server_url": "http://x"}], "auto", ()),
        (
            [{"type": "function", "name": "b", "parameters": {"x-phrases": "no list"}}],
            "auto",
            (ToolSpec("b", "", {}),),
        ),
        (
            [{"type": "function", "name": "b", "parameters": {"x-phrases": ["yes", 5]}}],
            "auto",
            (ToolSpec("b", "", {}, ("yes",)),),
        ),
    ],
)
def test_the_brain_is_told_of_the_tools(tools: list[Wire], choice: Any, expected: tuple[ToolSpec, ...]) -> None:
    stage = Stage(plays=frozenset())
    stage.send(update(tools=tools, tool_choice=choice), user_text("hi"), {"type": "response.create"})
    (think,) = [effect for effect in stage.asked if isinstance(effect, Think)]
    assert think.tools == expected
    stage.send(append_of(100), {"type": "input_audio_buffer.commit"})
    (transcribe,) = [effect for effect in stage.asked if isinstance(effect, Transcribe)]
    assert transcribe.tools == expected


def test_arguments_travel_as_json() -> None:
    stage = Stage(answers={"go": [Call("light", {"on": True, "room": "küche"})]})
    events = stage.send(update(tools=[LIGHT]), user_text("go"), {"type": "response.create"})
    done = only(events, "response.function_call_arguments.done")
    assert (done["name"], done["arguments"]) == ("light", '{"on": true, "room": "k\\u00fcche"}')
