from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from speakerd.errors import SpeechError
from speakerd.offline import process as process_module
from speakerd.offline.process import OfflineProcess
from speakerd.settings import OfflineSettings

READY = 'print(\'{"ready": "x"}\', flush=True)'
WAIT = "sys.stdin.read()"


def assistant(tmp_path: Path, *lines: str) -> OfflineProcess:
    """An OfflineProcess that runs these lines of Python in place of the assistant."""
    program = "\n".join(["import sys, signal, os, time", *lines])
    settings = OfflineSettings(voice="en-us", words_per_minute=200, silence_ms=500)
    return OfflineProcess(settings, tmp_path / "offline.sock", (sys.executable, "-c", program))


def tells(tmp_path: Path) -> str:
    """The line with which an assistant says that it lives: it blocks until `told` reads its process id."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    return f"with open({str(pipe)!r}, 'w') as pipe: pipe.write(str(os.getpid()))"


async def told(tmp_path: Path) -> int:
    async with asyncio.timeout(20):
        return int(await asyncio.to_thread((tmp_path / "pipe").read_text))


async def test_it_is_told_the_settings(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    offline = assistant(tmp_path, f"open({str(heard)!r}, 'w').write(' '.join(sys.argv[1:]))", READY, WAIT)
    await offline.start()
    pids = [offline.pid]
    for _ in range(2):
        await offline.stop()
        pids.append(offline.pid)
    assert (pids[0] or 0) > 0
    assert pids[1:] == [None, None]
    socket = tmp_path / "offline.sock"
    assert heard.read_text() == f"--socket={socket} --voice=en-us --words-per-minute=200 --silence-ms=500"


async def test_it_does_not_start(tmp_path: Path) -> None:
    offline = assistant(tmp_path, "raise SystemExit(3)")
    with pytest.raises(SpeechError, match=r"ended while it started \(exit code 3\): see its message"):
        await offline.start()


async def test_it_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_READY_SECONDS", 0.3)
    with pytest.raises(SpeechError, match=r"did not start within 0 seconds"):
        await assistant(tmp_path, WAIT).start()


async def test_it_does_not_want_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_END_SECONDS", 0.3)
    offline = assistant(tmp_path, READY, "while True: signal.pause()")
    await offline.start()
    async with asyncio.timeout(10):
        await offline.stop()


async def test_reports_are_collected_and_the_newest_kept(tmp_path: Path) -> None:
    lines = "for n in range(150): print('{\"session\": %d}' % n, flush=True)"
    offline = assistant(tmp_path, READY, lines, tells(tmp_path), WAIT)
    await offline.start()
    supervisor = asyncio.create_task(offline.run())
    await told(tmp_path)
    await offline.stop()
    await supervisor
    assert [each["session"] for each in offline.sessions] == list(range(50, 150))


async def test_it_is_restarted_when_it_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_LONGEST_PAUSE_SECONDS", 0.0)
    offline = assistant(tmp_path, READY, tells(tmp_path), WAIT)
    await offline.start()
    supervisor = asyncio.create_task(offline.run())
    pids = []
    for _ in range(3):
        pids.append(await told(tmp_path))
        os.kill(pids[-1], signal.SIGKILL)
    assert len({*pids, await told(tmp_path)}) == 4
    await offline.stop()
    await supervisor


async def test_it_is_restarted_even_if_a_restart_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "_LONGEST_PAUSE_SECONDS", 0.0)
    births = tmp_path / "births"
    lines = [
        f"births = open({str(births)!r}, 'a+'); births.write('x'); births.flush(); births.seek(0)",
        "born = len(births.read())",
        "if born == 2: raise SystemExit(1)",
        READY,
        "if born == 1: raise SystemExit(0)",
        tells(tmp_path),
        WAIT,
    ]
    offline = assistant(tmp_path, *lines)
    await offline.start()
    supervisor = asyncio.create_task(offline.run())
    assert await told(tmp_path) == offline.pid
    await offline.stop()
    await supervisor
    assert births.read_text() == "xxx"


async def test_a_cancelled_supervisor_leaves_no_process(tmp_path: Path) -> None:
    offline = assistant(tmp_path, READY, tells(tmp_path), WAIT)
    await offline.start()
    supervisor = asyncio.create_task(offline.run())
    pid = await told(tmp_path)
    supervisor.cancel()
    with pytest.raises(asyncio.CancelledError):
        await supervisor
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
