"""Every way in which the world can fail a session: one fault, one sentence, once."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close as Frame

from fake_server import (
    SET_UP,
    Close,
    Cut,
    Emit,
    EmitRaw,
    Expect,
    Step,
    audio,
    error,
    fake_server,
    response_created,
    transcript_done,
)
from realtime_stage import CREATED, MARK, OPENED, STARTED, TICK, custom, stage
from speakerd.core import events
from speakerd.core.events import Fault
from speakerd.realtime import faults, received
from speakerd.realtime.endpoints import Endpoint, endpoint
from speakerd.realtime.responses import Finish, Play
from speakerd.settings import EndpointSettings

FAULTS: list[tuple[str, Sequence[Step], Fault, str]] = [
    (
        "bad key, upgrade accepted",
        [Close(3000, "invalid_request_error.invalid_api_key")],
        Fault.BAD_KEY,
        "refused the API key (close code 3000): put a valid one",
    ),
    ("no credit", [Close(1013, "insufficient_quota.insufficient_quota")], Fault.NO_CREDIT, "no credit"),
    ("no credit, other words", [Close(1013, "insufficient_quota.credit_balance_exhausted")], Fault.NO_CREDIT, "credit"),
    ("overloaded", [Close(1013, "")], Fault.SERVER_ERROR, "failed (close code 1013): try again"),
    ("unknown model", [Close(4004, "invalid_request_error.model_not_found")], Fault.REFUSED, "check endpoint.model"),
    ("of tomorrow", [Close(4999, "invalid_request_error.of_tomorrow")], Fault.REFUSED, "of_tomorrow"),
    ("beta", [Close(4000, "invalid_request_error.beta_api_shape_disabled")], Fault.REFUSED, "beta_api_shape_disabled"),
    (
        "the set-up is rejected",
        [SET_UP[0], SET_UP[1], Emit([error("unknown_parameter", "Unknown parameter: 'session.x'.", "$event_id")])],
        Fault.REFUSED,
        "refused the session (unknown_parameter: Unknown parameter: 'session.x'.)",
    ),
    (
        "the set-up is rejected by a server that names no event",
        [SET_UP[0], SET_UP[1], Emit([error(None, "no", kind="server_error")])],
        Fault.SERVER_ERROR,
        "failed (server_error: no)",
    ),
    (
        "an error instead of a session",
        [Emit([error("invalid_api_key", "Wrong: sk-1")])],
        Fault.BAD_KEY,
        "API key (inva",
    ),
    ("closed before it is set up", [SET_UP[0], SET_UP[1], Close(1011, "")], Fault.SERVER_ERROR, "close code 1011"),
    ("cut before it is set up", [SET_UP[0], Cut()], Fault.NO_NETWORK, "broke: check the network."),
    ("rubbish instead of a session", [EmitRaw("hello")], Fault.REFUSED, "not JSON"),
    ("nobody greets", [], Fault.NO_ANSWER, "did not confirm the connection within 0.3 s"),
    ("nobody confirms", [SET_UP[0]], Fault.NO_ANSWER, "did not confirm the set-up within 0.3 s"),
]


@pytest.mark.parametrize(("script", "fault", "words"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
async def test_a_set_up_that_fails(script: Sequence[Step], fault: Fault, words: str) -> None:
    async with fake_server(*script) as server:
        async with stage(custom(server), connect_seconds=0.3) as s:
            s.sessions.open(1)
            closed = await s.until(events.SessionClosed)
            assert (closed.session, closed.fault) == (1, fault)
            assert words in closed.reason
            assert closed.reason.startswith(("custom (127.0.0.1:", "The connection to custom (127.0.0.1:"))
            assert "sk-1" not in closed.reason
            await server.until_closed()
        assert s.story == [closed]


ENDS: list[tuple[str, Sequence[Step], Fault, str]] = [
    ("the server closes in the answer", [Close(1000, "")], Fault.SERVER_ERROR, "close code 1000"),
    ("the connection breaks in the answer", [Cut()], Fault.NO_NETWORK, "broke"),
    (
        "an hour is over",
        [Emit([error("session_expired", "Your session hit the maximum duration of 60 minutes.")]), Close(1001)],
        Fault.SERVER_ERROR,
        "maximum duration of 60 minutes",
    ),
    ("an hour is over, unannounced", [Close(1001, "")], Fault.SERVER_ERROR, "close code 1001"),
    ("the server fails", [Emit([error(None, "oops", kind="server_error")])], Fault.SERVER_ERROR, "server_error: oops"),
    ("the money is spent", [Emit([error("insufficient_quota", "")])], Fault.NO_CREDIT, "no credit"),
    ("rubbish", [EmitRaw(b"\x00\xff")], Fault.SERVER_ERROR, "not JSON"),
    ("half an event", [Emit([{"type": "response.done"}])], Fault.SERVER_ERROR, 'malformed "response.done"'),
]


@pytest.mark.parametrize(("script", "fault", "words"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
async def test_a_session_that_ends_in_the_middle_of_an_answer(script: Sequence[Step], fault: Fault, words: str) -> None:
    async with fake_server(*SET_UP, Emit([response_created(), audio(TICK)]), *script) as server:
        async with stage(custom(server)) as s:
            await s.opened()
            closed = await s.until(events.SessionClosed)
            assert (closed.session, closed.fault) == (1, fault)
            assert words in closed.reason
            await server.until_closed()
            s.sessions.close(1)
        assert s.story == [OPENED, CREATED, STARTED, Play("item_1", TICK), Finish("item_1"), closed]


async def test_an_error_about_our_response_ends_the_session_as_no_answer_would_come() -> None:
    script = [*SET_UP, Expect("response.create"), Emit([error("invalid_value", "no", "$event_id")])]
    async with fake_server(*script) as server, stage(custom(server)) as s:
        await s.opened()
        s.sessions.create_response(1)
        assert (await s.until(events.SessionClosed)).fault is Fault.REFUSED


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (401, "", Fault.BAD_KEY),
        (403, "", Fault.BAD_KEY),
        (403, '{"error": {"code": "unsupported_country_region_territory"}}', Fault.REFUSED),
        (400, "{}", Fault.REFUSED),
        (404, "not found", Fault.REFUSED),
        (429, "", Fault.SERVER_ERROR),
        (429, '{"error": {"code": "insufficient_quota", "type": "insufficient_quota"}}', Fault.NO_CREDIT),
        (500, "[[", Fault.SERVER_ERROR),
        (503, "", Fault.SERVER_ERROR),
    ],
)
async def test_a_refused_upgrade(status: int, body: str, fault: Fault) -> None:
    async with fake_server(status=status, body=body) as server, stage(custom(server)) as s:
        s.sessions.open(1)
        closed = await s.until(events.SessionClosed)
        assert closed.fault is fault
        assert f"(HTTP {status})" in closed.reason
        assert s.story == [closed]


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def _plain_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: tea\r\nConnection: Upgrade\r\n\r\n")
    await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("handler", "fault", "words"),
    [
        (_silent, Fault.NO_NETWORK, "nothing came within 0.3 s: check the network."),
        (_hangs_up, Fault.NO_NETWORK, "it hung up during the handshake"),
        (_plain_http, Fault.REFUSED, "it does not speak WebSocket"),
    ],
)
async def test_a_peer_that_is_no_realtime_server(handler: Any, fault: Fault, words: str) -> None:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with stage(_at(url), connect_seconds=0.3) as s:
            s.sessions.open(1)
            closed = await s.until(events.SessionClosed)
            assert closed.fault is fault
            assert words in closed.reason


def _at(url: str) -> Endpoint:
    return endpoint(EndpointSettings(name="custom", url=url), Path("/none"), {})


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (_at("ws://127.0.0.1:1/"), "custom (127.0.0.1:1) could not be reached, nothing listens there"),
        (_at("wss://no-such-host.invalid/"), "(no-such-host.invalid) could not be reached, its name is not known"),
        (endpoint(EndpointSettings(), Path("/none.sock"), {}), "offline (/none.sock) could not be reached, its socket"),
    ],
)
async def test_an_endpoint_that_is_not_there(where: Endpoint, words: str) -> None:
    async with stage(where) as s:
        s.sessions.open(1)
        closed = await s.until(events.SessionClosed)
        assert closed.fault is Fault.NO_NETWORK
        assert words in closed.reason
        assert s.story == [closed]


def _certificate(verify_code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = verify_code
    return error


OPENAI = Endpoint("openai", "wss://api.openai.com/v1/realtime?model=m", {}, "m")
TODAY = 1_800_000_000.0
"""2027-01-15."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (_certificate(10), "certificate has expired: check the clock"),
        (_certificate(18), "certificate is not trusted: check endpoint.url"),
        (ssl.SSLError(1, "wrong version number"), "TLS failed"),
        (socket.gaierror(-3, "Temporary failure in name resolution"), "its name is not known: check the network"),
        (TimeoutError(), "nothing came within 8 s: check the network"),
        (OSError(101, "Network is unreachable"), "Network is unreachable: check the network"),
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 101] b"), "Multiple exceptions"),
        (PermissionError(13, "Permission denied"), "access is denied"),
    ],
)
def test_what_stands_in_the_way(error: OSError, words: str) -> None:
    ending = faults.not_connected(error, OPENAI, 8.0, TODAY)
    assert ending.fault is Fault.NO_NETWORK
    assert ending.reason.startswith("openai (api.openai.com) could not be reached, ")
    assert words in ending.reason
    assert ending.reason.endswith(".")


@pytest.mark.parametrize(
    ("error", "now_seconds", "date"),
    [
        (_certificate(9), TODAY, "2027-01-15"),
        (_certificate(9), 0.0, "1970-01-01"),
        (_certificate(10), 1_767_225_599.0, "2025-12-31"),
        (_certificate(20), 1_767_225_599.0, "2025-12-31"),
    ],
)
def test_a_machine_that_does_not_know_the_date(error: OSError, now_seconds: float, date: str) -> None:
    ending = faults.not_connected(error, OPENAI, 8.0, now_seconds)
    assert ending.fault is Fault.CLOCK_NOT_SET
    assert ending.reason.startswith("openai (api.openai.com) cannot be trusted because this machine believes")
    assert f"that it is {date}: wait until timesyncd has set the clock" in ending.reason


def test_a_wrong_date_explains_no_other_failure() -> None:
    assert faults.not_connected(ssl.SSLError(1, "wrong version number"), OPENAI, 8.0, 0.0).fault is Fault.NO_NETWORK


@pytest.mark.parametrize(
    ("sent", "fault", "words"),
    [
        (Frame(1011, "keepalive ping timeout"), Fault.NO_NETWORK, "The connection to custom (lan:80) broke"),
        (Frame(1009, "too big"), Fault.SERVER_ERROR, "broke the WebSocket protocol, 1009"),
        (None, Fault.NO_NETWORK, "broke: check the network."),
    ],
)
def test_a_connection_that_our_side_gave_up(sent: Frame | None, fault: Fault, words: str) -> None:
    ending = faults.closed(ConnectionClosedError(None, sent), _at("ws://lan:80/"))
    assert ending.fault is fault
    assert words in ending.reason


def test_the_words_of_others_are_quoted_short_and_plain() -> None:
    long = received.ErrorReported("invalid_request_error", "x", "line\nbreak \x1b[31m" + "é" + "w" * 900, "")
    reason = faults.rejected(long, _at("ws://lan:80/")).reason
    assert "line break [31m w" in reason
    assert len(reason) < 350
    assert reason.isprintable()


KEY = "sk-verysecret"


async def test_neither_key_nor_words_are_logged(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "key").write_text(KEY)
    emitted = [transcript_done("private words"), error("code_of_tomorrow", "private words"), audio(TICK), MARK]
    emitted = [*emitted, error("code_of_tomorrow", "private words"), error("invalid_api_key", f"Wrong key {KEY}")]
    async with fake_server(*SET_UP, Emit(emitted)) as server:
        settings = EndpointSettings(name="custom", url=server.url, model="m", key_file=str(tmp_path / "key"))
        async with stage(endpoint(settings, Path("/none"), {})) as s:
            await s.opened()
            s.sessions.send_text(1, "private words")
            closed = await s.until(events.SessionClosed)
        assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
        assert "OpenAI-Beta" not in server.requests[0].headers
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    text = "\n".join(record.getMessage() for record in ours) + closed.reason
    assert KEY not in text
    assert "private words" not in text
    assert text.count("code_of_tomorrow") == 1
