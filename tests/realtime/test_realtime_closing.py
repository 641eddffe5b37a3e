"""When we close a session nothing more is heard of it, and nothing is left behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from fake_server import (
    SET_UP,
    Emit,
    Expect,
    StopReading,
    audio,
    call_item,
    fake_server,
    response_done,
)
from realtime_stage import CALLED, MARK, OPENED, STARTED, TICK, TOCK, custom, stage
from speakerd.core import events
from speakerd.core.events import Fault
from speakerd.realtime import connection
from speakerd.realtime.endpoints import endpoint
from speakerd.realtime.responses import Finish, Play
from speakerd.settings import EndpointSettings


@pytest.mark.parametrize("session", [1, 2])
async def test_calls_to_a_session_that_is_gone_do_nothing_but_send_what_was_heard_before(session: int) -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.close(1)
        for _ in range(2):
            s.sessions.append_audio(session, TICK)
            s.sessions.send_text(session, "hello")
            s.sessions.send_tool_output(session, "c1", "noon")
            s.sessions.create_response(session)
            s.sessions.cancel_response(session, "resp_1")
            s.sessions.truncate(session, "item_1", 5)
            s.sessions.delete_item(session, "item_1")
            s.sessions.close(session)
        assert await server.until_closed() == 1000
        heard = ["input_audio_buffer.append"] * 2 if session == 1 else []
        assert server.kinds() == ["session.update", *heard]
        assert s.story == [OPENED]


async def test_close_says_1000_and_nothing_is_reported_afterwards() -> None:
    script = [*SET_UP, Emit([audio(TICK)]), Expect("conversation.item.create"), Emit([audio(TOCK), response_done()])]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        await s.opened()
        await s.until(events.AnswerStarted)
        s.sessions.send_text(1, "never sent")
        s.sessions.close(1)
        assert await server.until_closed() == 1000
        assert s.story == [OPENED, STARTED, Play("item_1", TICK)]


async def test_closing_while_it_connects_reports_nothing() -> None:
    async with fake_server(SET_UP[0]) as server, stage(custom(server)) as s:
        s.sessions.open(1)
        s.sessions.close(1)
        s.sessions.open(2)
        await server.until_received(1)
        s.sessions.close(2)
        assert await server.until_closed() == 1000
        assert s.story == []
        assert len(server.requests) == 1


async def test_a_peer_that_does_not_answer_our_close_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_CLOSE_SECONDS", 0.1)
    where = endpoint(EndpointSettings(), tmp_path / "offline.sock", {})
    async with fake_server(*SET_UP, StopReading(), socket=where.unix_socket), stage(where) as s:
        await s.opened()
        s.sessions.close(1)
        async with asyncio.timeout(5):
            await s.sessions.close_all()
        assert s.running.done()
        assert s.story == [OPENED]


async def test_cancelling_run_closes_every_session() -> None:
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        await s.opened()
        s.running.cancel()
        assert await server.until_closed() == 1000
        assert s.story == [OPENED]


async def test_nothing_follows_a_close_even_within_one_message() -> None:
    done = response_done(output=[call_item("c1", "clock", "{}"), call_item("c2", "clock", "{}")])
    async with fake_server(*SET_UP, Emit([audio(TICK), done, MARK])) as server, stage(custom(server)) as s:
        tell = s.sessions._around.post

        def close_at_once(event: events.Event) -> None:
            tell(event)
            if isinstance(event, events.ToolCalled):
                s.sessions.close(1)

        s.sessions._around = replace(s.sessions._around, post=close_at_once)
        await s.opened()
        assert await server.until_closed() == 1000
        assert s.story == [OPENED, STARTED, Play("item_1", TICK), Finish("item_1"), CALLED]


async def test_closing_in_the_middle_of_the_handshake_hangs_up() -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        left.set()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        where = endpoint(EndpointSettings(name="custom", url=url), Path("/none"), {})
        async with stage(where) as s, asyncio.timeout(5):
            s.sessions.open(1)
            await came.wait()
            s.sessions.close(1)
            await left.wait()
        assert s.story == []


async def test_closing_all_without_any_is_done_at_once() -> None:
    async with fake_server() as server, stage(custom(server)) as s:
        await s.sessions.close_all()
        assert server.requests == []


async def test_a_peer_that_answers_no_pings_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PING_SECONDS", 0.05)
    monkeypatch.setattr(connection, "_CLOSE_SECONDS", 0.05)
    where = endpoint(EndpointSettings(), tmp_path / "offline.sock", {})
    async with fake_server(*SET_UP, StopReading(), socket=where.unix_socket), stage(where) as s:
        await s.opened()
        ending = await s.until(events.SessionClosed)
        assert ending.fault is Fault.NO_NETWORK
        assert ending.reason == f"The connection to {where.where} broke: check the network."


async def test_a_session_that_nobody_uses_outlives_many_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PING_SECONDS", 0.01)
    async with fake_server(*SET_UP) as server, stage(custom(server)) as s:
        await s.opened()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await s.posted.get()
        assert server.kinds() == ["session.update"]
        s.sessions.close(1)
        assert await server.until_closed() == 1000
