"""The real command on a fake sound card: its wake word is tuned and reloaded while it listens."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from speakerd.demo.card import FakeCard
from speakerd.service.client import request


def written(folder: Path, threshold: float | str, volume: float = 0.5) -> Path:
    """A settings file."""
    file = folder / "speakerd.toml"
    file.write_text(
        f'board = "none"\nstate_folder = "{folder}/state"\n'
        f'[audio]\ninput = "fakecard"\noutput = "fakecard"\nvolume = {volume}\n'
        f'[control]\nsocket = "{folder}/control.sock"\n'
        f"[wake_word]\nthreshold = {threshold}\n"
    )
    return file


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`speakerd run`, once it has told systemd that it is ready."""
    card = FakeCard(folder / "card")
    card.fill_room_noise(60, -50.0, seed=1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(folder / "notify"))
        systemd.setblocking(False)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "speakerd", "run", "--config", str(written(folder, 0.5))),
            env={**os.environ, **card.environment, "NOTIFY_SOCKET": str(folder / "notify")},
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            while b"READY=1" not in await asyncio.get_running_loop().sock_recv(systemd, 4096):
                pass
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def threshold(folder: Path, *, until: float) -> None:
    """Wait for a threshold to count."""
    async with asyncio.timeout(20), aclosing(request(folder / "control.sock", {"do": "scores"})) as events:
        async for event in events:
            if event["event"] == "score" and event["thresholds"] == {"hey_jarvis": until}:
                return


async def test_the_wake_word_is_tuned_and_reloaded_while_it_listens(tmp_path: Path) -> None:
    async with service(tmp_path) as process:
        await threshold(tmp_path, until=0.5)
        assert [answer async for answer in request(tmp_path / "control.sock", {"do": "tune", "threshold": 0.66})] == []
        await threshold(tmp_path, until=0.66)
        written(tmp_path, 0.8, volume=0.9)
        process.send_signal(signal.SIGHUP)
        await threshold(tmp_path, until=0.8)
        written(tmp_path, '"high"')
        process.send_signal(signal.SIGHUP)
        assert process.stderr is not None
        told = [(await process.stderr.readline()).decode() for _ in range(3)]
        await threshold(tmp_path, until=0.8)
        process.terminate()
        assert await process.wait() == 0, (await process.stderr.read()).decode()
    assert '"audio.volume" was changed: restart the service to apply it.' in told[0]
    assert "The settings were read again." in told[1]
    assert "\"wake_word.threshold\" must be a number, not 'high'" in told[2]
