"""A conversation with each family of servers, from the first word to an interruption."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from fake_server import Close, Emit, Expect, FakeServer, Step, Wire, fake_server
from realtime_stage import MARK, MARKED, TICK, stage
from speakerd.core import events
from speakerd.core.events import Fault, SessionClosed, SessionOpened, Status, Talker
from speakerd.realtime.endpoints import Endpoint, endpoint
from speakerd.realtime.responses import Finish, Play
from speakerd.settings import EndpointSettings

SOUND = "AQAB" * 1600
"""100 ms in base64."""
PCM = b"\x01\x00\x01" * 1600


def at(server: FakeServer, dialect: Literal["localai", "speech-to-speech", "xai"]) -> Endpoint:
    return endpoint(EndpointSettings(name="custom", url=server.url, dialect=dialect), Path("/none"), {})


def sound(response: str = "r1", item: str = "m1") -> Wire:
    return {"type": "response.output_audio.delta", "response_id": response, "item_id": item, "delta": SOUND}


def created(response: str) -> Wire:
    return {"type": "response.created", "response": {"id": response, "object": "realtime.response", "output": []}}


def done(response: str, *output: Wire, **fields: Any) -> Wire:
    return {"type": "response.done", "response": {"id": response, "status": "completed", "output": output}, **fields}


CALL = {"id": "f1", "type": "function_call", "call_id": "call_1", "name": "clock", "arguments": "{}"}
XAI: list[Step] = [
    Emit([{"type": "conversation.created", "conversation": {"id": "c"}}, {"type": "ping", "timestamp": 1}]),
    Expect("session.update"),
    Emit(
        [
            {"type": "session.updated", "session": {}},
            {"type": "input_audio_buffer.speech_started", "item_id": "u1"},
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": "u1",
                "transcript": "what",
                "status": "in_progress",
            },
            {"type": "input_audio_buffer.speech_stopped", "item_id": "u1"},
            created("r1"),
            {"type": "response.function_call_arguments.done", "call_id": "call_1", "name": "clock", "arguments": "{}"},
            done("r1", CALL, usage={"input_tokens": 30, "output_tokens": 7}),
        ]
    ),
    Expect("conversation.item.create"),
    Expect("response.create"),
    Emit([created("r2"), sound("r2"), {"type": "ping", "timestamp": 2}]),
    Expect("response.cancel"),
    Expect("conversation.item.truncate", {"item_id": "m1", "audio_end_ms": 60}),
    Emit([MARK]),
]


async def test_xai() -> None:
    async with fake_server(*XAI) as server, stage(at(server, "xai")) as s:
        s.sessions.open(1)
        assert (await s.until(events.ToolCalled)).call_id == "call_1"
        await s.until(events.ResponseEnded)
        s.sessions.send_tool_output(1, "call_1", "noon")
        s.sessions.create_response(1)
        await s.until(events.AnswerStarted)
        s.sessions.cancel_response(1, "r2")
        s.sessions.truncate(1, "m1", 60)
        await s.until(events.Transcribed)
        assert s.story == [
            SessionOpened(1),
            events.SpeechStarted(1, "u1"),
            events.SpeechStopped(1, "u1"),
            events.ResponseCreated(1, "r1"),
            events.ToolCalled(1, "r1", "call_1", "clock", "{}"),
            events.ResponseEnded(1, "r1", Status.COMPLETED),
            events.ResponseCreated(1, "r2"),
            events.AnswerStarted(1, "r2", "m1"),
            Play("m1", PCM),
            MARKED,
        ]
        assert server.complaints == []
        assert server.received[0]["session"]["turn_detection"]["type"] == "server_vad"
        billed = s.usages[0][0]
        assert (billed.usage.audio_in, billed.usage.audio_out, billed.bills) == (30, 7, False)


HOME_ANSWER = [
    created("r1"),
    sound(),
    {"type": "response.output_audio.done", "response_id": "r1", "item_id": "m1"},
    {"type": "response.output_audio_transcript.done", "response_id": "r1", "item_id": "m1", "transcript": "Noon."},
    done("r1"),
]
HOME_STORY = [
    events.ResponseCreated(1, "r1"),
    events.AnswerStarted(1, "r1", "m1"),
    Play("m1", PCM),
    Finish("m1"),
    events.Transcribed(1, "m1", Talker.ASSISTANT, "Noon."),
    events.ResponseEnded(1, "r1", Status.COMPLETED),
]


@pytest.mark.parametrize("dialect", ["localai", "speech-to-speech"])
async def test_a_server_at_home_is_not_asked_for_what_it_cannot(
    dialect: Literal["localai", "speech-to-speech"],
) -> None:
    script: list[Step] = [
        Emit([{"type": "session.created", "event_id": "event_TODO", "session": {"type": "realtime"}}]),
        Expect("session.update"),
        Emit([{"type": "session.updated", "session": {}}, *HOME_ANSWER]),
        Expect("response.create", {"response": {"output_modalities": ["text"]}}),
        Emit([MARK]),
    ]
    async with fake_server(*script) as server, stage(at(server, dialect)) as s:
        s.facts.append("It is noon.")
        s.sessions.open(1)
        await s.until(events.ResponseEnded)
        s.sessions.tell_facts(1)
        s.sessions.truncate(1, "m1", 60)
        s.sessions.delete_item(1, "m1")
        s.sessions.forget_facts(1)
        s.sessions.create_response(1, aloud=False)
        await s.until(events.Transcribed)
        assert s.story[:-1] == [SessionOpened(1), *HOME_STORY]
        assert server.complaints == []


@pytest.mark.parametrize(("dialect", "asks"), [("localai", False), ("speech-to-speech", True)])
async def test_only_who_does_not_answer_a_commit_is_asked(
    dialect: Literal["localai", "speech-to-speech"], asks: bool
) -> None:
    script: list[Step] = [
        Emit([{"type": "session.created", "session": {}}]),
        Expect("session.update"),
        Emit([{"type": "session.updated", "session": {}}]),
        Expect("input_audio_buffer.commit"),
        *([Expect("response.create")] if asks else []),
        Emit(HOME_ANSWER),
        Expect("response.create"),
        Emit([created("r2"), done("r2")]),
    ]
    async with fake_server(*script) as server, stage(at(server, dialect), finds_turns=False) as s:
        await s.opened()
        s.sessions.append_audio(1, TICK)
        s.sessions.commit_utterance(1)
        s.sessions.create_response(1)
        await s.until(events.ResponseEnded)
        s.sessions.create_response(1)
        assert (await s.until(events.ResponseEnded)).response_id == "r2"
        assert server.complaints == []
        assert server.received[0]["session"]["audio"]["input"]["turn_detection"] is None


async def test_a_server_at_home_that_is_busy_may_be_asked_again() -> None:
    full = {"type": "error", "error": {"type": "session_limit_reached", "message": "All 1 session slots are in use."}}
    script: list[Step] = [Emit([full]), Close(1008, "All session slots are in use")]
    async with fake_server(*script) as server, stage(at(server, "speech-to-speech")) as s:
        s.sessions.open(1)
        assert (await s.until(SessionClosed)).fault is Fault.SERVER_ERROR
