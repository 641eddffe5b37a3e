"""The command line's end of the control socket: whatever is wrong with the other end is one sentence."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from speakerd.errors import ControlError, RefusedError
from speakerd.service.client import is_served, request
from speakerd.service.wire import LONGEST_LINE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


async def refusal(path: Path) -> str:
    with pytest.raises(ControlError) as raised:
        await anext(request(path, {"do": "status"}))
    return str(raised.value)


@pytest.mark.parametrize(
    ("spoken", "sentence"),
    [
        (b"", "speakerd ended before it had answered at {path}: look at its log."),
        (b'{"event": "snap', "speakerd ended before it had answered at {path}: look at its log."),
        (b"HTTP/1.1 400\r\n", "What answers at {path} does not speak as speakerd does: check the path."),
    ],
)
async def test_a_peer_that_is_no_speakerd_is_told(path: Path, spoken: bytes, sentence: str) -> None:
    def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(spoken)
        writer.close()

    server = await asyncio.start_unix_server(speak, str(path))
    assert await refusal(path) == sentence.format(path=path)
    server.close()


async def test_no_daemon_no_socket_and_a_dead_socket_are_one_sentence(path: Path) -> None:
    sentence = f"speakerd does not run: nothing answers at {path}; start the service first."
    assert await refusal(path) == sentence
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert await refusal(path) == sentence


async def test_a_path_that_no_socket_can_have_is_one_sentence() -> None:
    path = Path("/") / ("x" * 200)
    assert await refusal(path) == f"{path} cannot be reached (AF_UNIX path too long): check the path."


async def test_what_is_too_long_is_not_even_sent(path: Path) -> None:
    with pytest.raises(RefusedError) as raised:
        await anext(request(path, {"do": "ask", "text": "x" * LONGEST_LINE}))
    assert str(raised.value) == "At most 16384 bytes can be sent at once: shorten it, or send it in parts."


async def test_whether_a_speaker_answers_there(path: Path) -> None:
    assert not await is_served(path)
    with socket.socket(socket.AF_UNIX) as speaker:
        speaker.bind(str(path))
        assert not await is_served(path)
        speaker.listen()
        assert await is_served(path)
    with pytest.raises(ControlError, match="cannot be reached"):
        await is_served(Path("/") / ("x" * 200))
