"""What goes wrong on a Realtime server that others wrote has the fault that its owner must be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimock_host import HELLO, Wire, aimock, custom, fixture, talking
from speakerd.core.events import Fault, ResponseEnded, SessionClosed, Status


def fails_with(kind: str, code: str) -> Wire:
    return fixture("hello", {"error": {"message": "no", "type": kind, "code": code}, "status": 400})


@pytest.mark.parametrize(
    ("failing", "fault"),
    [
        (fails_with("insufficient_quota", "insufficient_quota"), Fault.NO_CREDIT),
        (fails_with("invalid_request_error", "invalid_api_key"), Fault.BAD_KEY),
        (fails_with("requests", "rate_limit_exceeded"), Fault.SERVER_ERROR),
        (fails_with("server_error", "server_error"), Fault.SERVER_ERROR),
        (fixture("other", {"content": "no answer to hello"}), Fault.SERVER_ERROR),
    ],
    ids=["quota", "key", "rate", "server", "nothing matches"],
)
async def test_a_response_that_fails(tmp_path: Path, failing: Wire, fault: Fault) -> None:
    well = fixture("well", {"content": "Well."})
    async with aimock(tmp_path, failing, well) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        talk.ask("hello")
        ended = await talk.until(ResponseEnded)
        assert (ended.status, ended.fault) == (Status.FAILED, fault)
        assert await talk.answered("well?") == "Well."


@pytest.mark.parametrize(
    ("fixtures", "strict", "fault", "words"),
    [
        (
            [fixture("hello", {"content": "Good morning"}, truncateAfterChunks=1, chunkSize=4)],
            False,
            Fault.NO_NETWORK,
            "broke",
        ),
        ([fixture("other", {"content": "no answer to hello"})], True, Fault.REFUSED, "close code 1008"),
        ([fixture("hello", {"transcription": {"text": "x"}})], False, Fault.SERVER_ERROR, "server_error"),
    ],
    ids=["cut off in an answer", "closed with a reason", "an error instead of a response"],
)
async def test_a_session_that_ends(
    tmp_path: Path, fixtures: list[Wire], strict: bool, fault: Fault, words: str
) -> None:
    async with aimock(tmp_path, *fixtures, strict=strict) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        talk.ask("hello")
        closed = await talk.until(SessionClosed)
        assert (closed.fault, words in closed.reason) == (fault, True), closed.reason


async def test_a_server_that_is_stopped_says_goodbye(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        await server.end()
        closed = await talk.until(SessionClosed)
        assert (closed.fault, "close code 1001" in closed.reason) == (Fault.SERVER_ERROR, True)
        talk.sessions.open(2)
        gone = await talk.until(SessionClosed)
        assert (gone.fault, "nothing listens there" in gone.reason) == (Fault.NO_NETWORK, True)


def with_key(folder: Path, key: str) -> str:
    """The file that it is in."""
    (folder / "key").write_text(f"{key}\n")
    return str(folder / "key")


async def test_the_key_goes_along(tmp_path: Path) -> None:
    file = with_key(tmp_path, "right")
    async with aimock(tmp_path, HELLO, key="right") as server, talking(custom(server.url, file)) as talk:
        await talk.opened()
        assert await talk.answered("hello") == "Good morning to you."


@pytest.mark.parametrize("key", ["wrong", ""])
async def test_a_wrong_key_or_none(tmp_path: Path, key: str) -> None:
    file = with_key(tmp_path, key) if key else ""
    async with aimock(tmp_path, HELLO, key="right") as server, talking(custom(server.url, file)) as talk:
        talk.sessions.open(1)
        closed = await talk.until(SessionClosed)
        assert (closed.fault, "HTTP 401" in closed.reason) == (Fault.BAD_KEY, True)
        assert "wrong" not in closed.reason


async def test_a_path_that_it_does_not_serve(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(custom(f"{server.url}/elsewhere")) as talk:
        talk.sessions.open(1)
        closed = await talk.until(SessionClosed)
        assert (closed.fault, "HTTP 404" in closed.reason) == (Fault.REFUSED, True)
