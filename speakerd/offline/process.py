"""Owns the offline assistant's process: starts it, restarts it when it dies, and ends it with the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from speakerd.errors import SpeechError
from speakerd.settings_offline import OfflineSettings

_log = logging.getLogger(__name__)

_PROGRAM = (sys.executable, "-m", "speakerd.offline")
_READY_SECONDS = 60.0
"""At boot a small machine has much else to do; systemd allows 90 for the whole start."""
_END_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 30.0
_MOST_SESSIONS = 100


class OfflineProcess:
    """The offline assistant, reachable at a unix socket between `start` and `stop`."""

    def __init__(self, settings: OfflineSettings, socket: Path, program: Sequence[str] = _PROGRAM) -> None:
        """`program` is what is started with the arguments of `python -m speakerd.offline`."""
        self.sessions: deque[Mapping[str, object]] = deque(maxlen=_MOST_SESSIONS)
        """The reports of the latest sessions: session, received_samples, sha256."""
        self._command = [*program, *_arguments(settings, socket)]
        self._process: asyncio.subprocess.Process | None = None
        self._stop_asked = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process at work."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start it and wait until it listens; raises SpeechError when it does not within a minute."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe)
        self._process = process
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        try:
            async with asyncio.timeout(_READY_SECONDS):
                ready = await process.stdout.readline()
        except TimeoutError as error:
            await self._end()
            advice = "restart the service, or set endpoint.name to another endpoint."
            sentence = f"The offline assistant did not start within {_READY_SECONDS:.0f} seconds: {advice}"
            raise SpeechError(sentence) from error
        except asyncio.CancelledError:
            await self._end()
            raise
        if not ready:
            await self._end()
            advice = 'see its message in the log, or install "speakerd[offline]" and espeak-ng.'
            raise SpeechError(
                f"The offline assistant ended while it started (exit code {process.returncode}): {advice}"
            )

    async def run(self) -> None:
        """Collect its reports and restart it whenever it ends, until `stop` or cancellation; `start` comes first."""
        failures = 0
        try:
            while True:
                failures = 0 if await self._follow() else failures + 1
                if self._stop_asked.is_set():
                    return
                pause_seconds = min(2.0**failures, _LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311
                _log.warning("The offline assistant ended; starting it again in %.1f seconds.", pause_seconds)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop_asked.wait(), pause_seconds)
                    return
                try:
                    await self.start()
                except SpeechError as error:
                    _log.warning("%s", error)
        finally:
            await self._end()

    async def stop(self) -> None:
        """End it for good; does nothing when it is not running."""
        self._stop_asked.set()
        await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        # It ends with its input. A signal would race with asyncio's own watch for the exit code.
        process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _follow(self) -> bool:
        """Read reports until the process ends; whether it served anyone."""
        process = self._process
        if process is None or process.stdout is None:
            return False
        served = False
        while line := await process.stdout.readline():
            self.sessions.append(json.loads(line))
            served = True
        await self._end()
        return served


def _arguments(settings: OfflineSettings, socket: Path) -> list[str]:
    return [
        f"--socket={socket}",
        f"--voice={settings.voice}",
        f"--words-per-minute={settings.words_per_minute}",
        f"--silence-ms={settings.silence_ms}",
    ]
