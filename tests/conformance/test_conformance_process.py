"""The real process under its owner: it starts, serves on a private unix socket, reports, and ends."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, unix_connect

from offline_host import frames, spoken
from speakerd.errors import SpeechError
from speakerd.offline.process import OfflineProcess
from speakerd.settings import OfflineSettings
from validation import check_server_event


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            event: dict[str, Any] = json.loads(await socket.recv())
            check_server_event(event)
            if event["type"] == kind:
                return event


async def test_it_serves_and_reports(tmp_path: Path) -> None:
    path = tmp_path / "offline.sock"
    offline = OfflineProcess(OfflineSettings(), path)
    await offline.start()
    supervisor = asyncio.create_task(offline.run())
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    audio = spoken("what time is it")
    async with unix_connect(str(path), "ws://localhost/v1/realtime?model=offline") as socket:
        for frame in frames(audio):
            event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(frame).decode()}
            await socket.send(json.dumps(event))
        response = (await until(socket, "response.done"))["response"]
        assert response["status"] == "completed"
    await offline.stop()
    await supervisor
    digest = hashlib.sha256(audio).hexdigest()
    assert list(offline.sessions) == [{"session": 1, "received_samples": len(audio) // 2, "sha256": digest}]
    assert not path.exists()


async def test_a_socket_in_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="exit code 1"):
        await OfflineProcess(OfflineSettings(), tmp_path / "nowhere" / "offline.sock").start()


@pytest.mark.parametrize("how", ["terminated", "orphaned"])
async def test_it_ends_cleanly_in_the_middle_of_a_session(how: str, tmp_path: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    path = tmp_path / "offline.sock"
    command = [sys.executable, "-m", "speakerd.offline", f"--socket={path}"]
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline()) == {"ready": f"ws+unix:{path}"}
    async with unix_connect(str(path), "ws://localhost/v1/realtime?model=offline") as socket:
        await until(socket, "session.created")
        if how == "terminated":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        async with asyncio.timeout(20):
            await socket.wait_closed()
            output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    assert json.loads(output)["received_samples"] == 0
    assert socket.close_code == 1001


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], b"one of the arguments --socket --port is required"),
        (["--port=0", "--host=0.0.0.0"], b"must be a loopback address"),
        (["--port=0", "--host=example.com"], b"invalid"),
    ],
)
async def test_a_wrong_command_line(arguments: list[str], complaint: bytes) -> None:
    command = [sys.executable, "-m", "speakerd.offline", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert complaint in errors
