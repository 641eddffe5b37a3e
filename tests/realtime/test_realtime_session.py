"""What we ask of a session, what it sends for it, and how it begins and ends by our will."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from fake_server import (
    SET_UP,
    Emit,
    EmitRaw,
    Expect,
    Step,
    StopReading,
    arguments_done,
    audio,
    audio_done,
    call_item,
    error,
    fake_server,
    response_created,
    response_done,
)
from realtime_stage import (
    CALLED,
    CLOCK,
    COMPLETED,
    CREATED,
    MARK,
    MARKED,
    OPENED,
    STARTED,
    TICK,
    TOCK,
    USAGE,
    custom,
    stage,
)
from speakerd.core import events
from speakerd.core.events import Fault, Status
from speakerd.core.usage import Billed, Usage
from speakerd.realtime import messages
from speakerd.realtime.endpoints import endpoint
from speakerd.realtime.responses import Finish, Play
from speakerd.settings import EndpointSettings
from test_realtime_messages import checked


async def test_everything_that_we_send_in_order() -> None:
    script: list[Step] = [
        *SET_UP,
        Expect("input_audio_buffer.append", {"audio": "AQA="}),
        Expect("input_audio_buffer.commit"),
        Expect("conversation.item.create"),
        Expect("response.create"),
        Emit([response_created(), audio(TICK), audio(TOCK)]),
        Expect("response.cancel", {"response_id": "resp_1"}),
        Expect("conversation.item.truncate", {"item_id": "item_1", "audio_end_ms": 12, "content_index": 0}),
        Expect("conversation.item.delete", {"item_id": "item_2"}),
        Expect("conversation.item.create"),
        Emit([MARK]),
    ]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.append_audio(1, b"\x01\x00")
        s.sessions.commit_utterance(1)
        s.sessions.send_text(1, "hello")
        s.sessions.create_response(1)
        await s.until(events.AnswerStarted)
        s.sessions.cancel_response(1, "resp_1")
        s.sessions.truncate(1, "item_1", 12)
        s.sessions.delete_item(1, "item_2")
        s.sessions.send_tool_output(1, "c1", "noon")
        await s.until(events.Transcribed)
        for event in server.received:
            checked(messages.encode(event, event["event_id"]))
        assert len({event["event_id"] for event in server.received}) == 9
        assert server.received[3]["item"]["content"] == [{"type": "input_text", "text": "hello"}]
        assert server.received[8]["item"] == {"type": "function_call_output", "call_id": "c1", "output": "noon"}


@pytest.mark.parametrize(("played_ms", "sent_ms"), [(12, 12), (30, 30), (31, 30), (9100, 30)])
async def test_truncation_never_exceeds_what_was_received(played_ms: int, sent_ms: int) -> None:
    truncated = Expect("conversation.item.truncate", {"item_id": "item_1", "audio_end_ms": sent_ms})
    script = [*SET_UP, Emit([audio(TICK), audio(TOCK), audio(TOCK, "item_2"), MARK]), truncated, Emit([MARK])]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        await s.opened()
        await s.until(events.Transcribed)
        s.sessions.truncate(1, "item_1", played_ms)
        await s.until(events.Transcribed)


async def test_what_arrives_of_a_cancelled_response_is_dropped_but_not_its_end() -> None:
    late = [audio(TOCK), arguments_done("c1", "clock", "{}"), audio(TICK, "item_2", "resp_2"), audio_done()]
    script = [
        *SET_UP,
        Emit([audio(TICK)]),
        Expect("response.cancel"),
        Emit([*late, response_done("cancelled", usage=USAGE), audio(TOCK), MARK]),
    ]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        await s.opened()
        await s.until(events.AnswerStarted)
        s.sessions.cancel_response(1, "resp_1")
        await s.until(events.Transcribed)
        assert s.story == [
            OPENED,
            STARTED,
            Play("item_1", TICK),
            events.AnswerStarted(1, "resp_2", "item_2"),
            Play("item_2", TICK),
            Finish("item_1"),
            events.ResponseEnded(1, "resp_1", Status.CANCELLED),
            MARKED,
        ]


async def test_a_refused_response_is_reported() -> None:
    busy = error("conversation_already_has_active_response", "busy", "$event_id")
    script = [
        *SET_UP,
        Expect("response.create"),
        Emit([busy, {**busy, "error": {**busy["error"], "event_id": "x"}}, MARK]),
    ]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.create_response(1)
        await s.until(events.Transcribed)
        assert s.story == [OPENED, events.ResponseRefused(1), MARKED]


async def test_usage_is_booked_before_the_end_is_told() -> None:
    script = [*SET_UP, Emit([response_created(), response_done(usage=USAGE)])]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        await s.opened()
        await s.until(events.ResponseEnded)
        [(billed, told)] = s.usages
        assert billed == Billed(
            1, 1, "custom", "gpt-x", "resp_1", "response", Usage(text_in=9, audio_out=4), bills=False
        )
        assert told == 2


async def test_the_trace_sees_everything_but_audio() -> None:
    script = [*SET_UP, Expect("input_audio_buffer.append"), Emit([audio(TICK), MARK])]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.append_audio(1, TICK)
        await s.until(events.Transcribed)
        assert s.traced == [
            ("received", "session.created", True),
            ("sent", "session.update", True),
            ("received", "session.updated", True),
            ("sent", "input_audio_buffer.append", False),
            ("received", "response.output_audio.delta", False),
            ("received", MARK["type"], True),
        ]


async def test_audio_before_the_session_is_up_is_dropped() -> None:
    script = [*SET_UP, Expect("conversation.item.create"), Emit([MARK])]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        s.sessions.open(1)
        s.sessions.append_audio(1, TICK)
        await s.until(events.SessionOpened)
        s.sessions.send_text(1, "hello")
        await s.until(events.Transcribed)
        assert server.kinds() == ["session.update", "conversation.item.create"]


async def test_a_new_session_does_not_wait_for_the_old_one() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.close(1)
        s.sessions.open(2)
        assert (await s.until(events.SessionOpened)).session == 2
        assert s.story == [OPENED, events.SessionOpened(2)]


async def test_a_bug_ends_run() -> None:
    async with fake_server(*SET_UP, Emit([audio(TICK)])) as server, stage(custom(server)) as s:

        def broken(event: events.Event) -> None:
            raise KeyError("a bug")

        s.sessions._around = replace(s.sessions._around, post=broken)
        s.sessions.open(1)
        async with asyncio.timeout(5):
            await asyncio.wait([s.running])
        with pytest.raises(ExceptionGroup) as caught:
            s.running.result()
        assert caught.group_contains(KeyError, match="a bug")


async def test_one_bad_session_leaves_the_others_alone() -> None:
    async with (
        fake_server(*SET_UP, Expect("response.create"), EmitRaw("rubbish")) as server,
        stage(custom(server)) as s,
    ):
        await s.opened()
        s.sessions.open(2)
        await s.until(events.SessionOpened)
        s.sessions.create_response(2)
        assert (await s.until(events.SessionClosed)).session == 2
        s.sessions.create_response(1)
        assert (await s.until(events.SessionClosed)).session == 1


async def test_the_assistant_on_the_device_is_reached_by_its_socket(tmp_path: Path) -> None:
    socket = tmp_path / "offline.sock"
    async with fake_server(*SET_UP, socket=socket) as server, stage(endpoint(EndpointSettings(), socket, {})) as s:
        await s.opened()
        assert server.requests[0].path == "/v1/realtime?model=offline"
        assert "Authorization" not in server.requests[0].headers
        assert server.received[0]["session"]["tools"][0]["parameters"]["x-phrases"] == list(CLOCK.phrases)


async def test_each_session_is_told_the_tools_that_there_are_when_it_begins() -> None:
    offered = [CLOCK]
    async with fake_server(*SET_UP) as server, stage(custom(server), tools=offered) as s:
        await s.opened()
        offered.append(replace(CLOCK, name="light"))
        s.sessions.open(2)
        await s.until(events.SessionOpened)
    told = [[tool["name"] for tool in message["session"]["tools"]] for message in server.received]
    assert told == [["clock"], ["clock", "light"]]


async def test_a_call_is_on_its_way_to_the_tools_server_before_the_next_message_is_read() -> None:
    call = [arguments_done("c1", "clock", "{}"), response_done(output=[call_item("c1", "clock", "{}")])]
    async with fake_server(*SET_UP, Emit([response_created(), *call])) as server, stage(custom(server)) as s:
        tell = s.sessions._around.post

        async def hand_on() -> None:
            for _ in range(8):  # tasks of a client over HTTP, from the call to the socket
                await asyncio.sleep(0)
            s.story.append("on the wire")

        calls: list[asyncio.Task[None]] = []

        def post(event: events.Event) -> None:
            tell(event)
            if isinstance(event, events.ToolCalled):
                calls.append(asyncio.create_task(hand_on()))

        s.sessions._around = replace(s.sessions._around, post=post)
        await s.opened()
        await s.until(events.ResponseEnded)
        assert s.story == [OPENED, CREATED, CALLED, "on the wire", COMPLETED]


async def test_a_peer_that_takes_no_audio_ends_the_session(tmp_path: Path) -> None:
    where = endpoint(EndpointSettings(), tmp_path / "offline.sock", {})
    async with fake_server(*SET_UP, StopReading(), socket=where.unix_socket) as server, stage(where) as s:
        await s.opened()
        for _ in range(400):
            s.sessions.append_audio(1, bytes(4800))
            await asyncio.sleep(0)  # lets the sender fill the sockets' buffers
        ending = await s.until(events.SessionClosed)
        assert ending.fault is Fault.NO_NETWORK
        words = "has not taken 30 s of audio: check the network, its upload is too slow."
        assert ending.reason == f"{where.where} {words}"
        assert server.kinds() == ["session.update"]
        assert s.story == [OPENED, ending]


async def test_a_minute_of_audio_reaches_a_peer_that_reads() -> None:
    script = [*SET_UP, Expect("conversation.item.create"), Emit([MARK])]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        await s.opened()
        for second in range(60):
            s.sessions.append_audio(1, bytes([second]) * 48_000)
            if second % 20 == 19:
                await server.until_received(second + 2)
        s.sessions.send_text(1, "end")
        await s.until(events.Transcribed)
        appended = [event for event in server.received if event["type"] == "input_audio_buffer.append"]
        assert [event["audio"][:4] for event in appended] == [
            messages.append_audio(bytes([n]) * 3)["audio"] for n in range(60)
        ]
