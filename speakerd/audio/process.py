"""The sound card's process as the daemon sees it: started, talked to, listened to, and ended; nobody waits for it.

Three threads live as long as the process: one writes commands, one reads reports (the audio thread), and one keeps the
end of what it says on stderr, slowly, because a PortAudio that spins writes 40 MB/s (reference/audio.md).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, cast

from speakerd.audio import wire
from speakerd.errors import ProtocolError

_STDIN_BYTES = 16_384
"""A short pipe (0.3 s of sound), so that a flush is not stuck behind what is already on its way."""
_REPORTS_BYTES = 65_536
"""Read at a time: some reports."""
_STDERR_READ_BYTES, _STDERR_PAUSE_SECONDS, _STDERR_KEPT_BYTES = 4096, 0.05, 4096


class CardProcess:
    """One run of `speakerd.audio.child`. Its `on_report` is called in the audio thread, and with None at the end."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        on_report: Callable[[wire.Message | None], None],
        now: Callable[[], float],
    ) -> None:
        command = [sys.executable, "-m", "speakerd.audio.child", *arguments]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, env={**os.environ, **environment}
        )
        stdin, stdout, stderr = (
            cast("IO[bytes]", end) for end in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        fcntl.fcntl(stdin, fcntl.F_SETPIPE_SZ, _STDIN_BYTES)
        self._on_report = on_report
        self._commands: deque[wire.Command | None] = deque()
        self._more_commands = threading.Condition()
        self._ended = threading.Event()
        self._stderr = b""
        self._now = now
        self._waited_seconds = 0.0
        """Time that the audio thread has spent waiting for reports; its own work is no silence of the card."""
        self._waiting_since: float | None = now()
        self._last: dict[type[wire.Message], float] = {}
        """Seconds waited when the last report of each kind was handled."""
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="audio")
        self._reading = self._threads.submit(self._read, stdout)
        self._writing = self._threads.submit(self._write, stdin)
        self._keeping = self._threads.submit(self._keep_stderr, stderr)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def is_over(self) -> bool:
        """Whether no more reports will come."""
        return self._reading.done()

    def when_over(self, tell: Callable[[], object]) -> None:
        """Call this once `is_over`, in whatever thread."""
        self._reading.add_done_callback(lambda _: tell())

    def has_sent(self, kind: type[wire.Message]) -> bool:
        """Whether a report of this kind has come."""
        return kind in self._last

    def silent_seconds(self, kind: type[wire.Message]) -> float:
        """How long we have waited in vain for a report of this kind, since the last one or the start."""
        since = self._waiting_since
        waited = self._waited_seconds + (0.0 if since is None else self._now() - since)
        return waited - self._last.get(kind, 0.0)

    def send(self, command: wire.Command) -> None:
        """Leave a command; returns at once, whatever the process does. Some do not wait behind answers."""
        with self._more_commands:
            self._commands.insert(self._place(command), command)
            self._more_commands.notify()

    def flush(self, number: int) -> None:
        """Send Flush; answers that still wait to be sent are forgotten, so that it does not wait behind them."""
        with self._more_commands:
            kept = [command for command in self._commands if not isinstance(command, wire.Play | wire.Finish)]
            self._commands = deque([*kept, wire.Flush(number)])
            self._more_commands.notify()

    def end(self, grace_seconds: float) -> str:
        """End it: politely for a while, then by SIGKILL; returns how it ended, in a few words.

        Blocks until the threads are gone, too. Raises what `on_report` raised: a bug of ours.
        """
        with self._more_commands:
            self._commands.append(None)
            self._more_commands.notify()
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ended.set()
        self._threads.shutdown()
        for thread in (self._reading, self._writing, self._keeping):
            thread.result()
        code = self._process.returncode
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def last_words(self) -> str:
        """The end of what the process wrote to stderr."""
        return self._stderr.decode(errors="replace").strip()

    def _place(self, command: wire.Command) -> int:
        """Where a command waits to be sent: the last, unless answers may be overtaken (what was flushed never is)."""
        hurry = (wire.SetLevel, wire.SetPlayingPace)
        if not isinstance(command, hurry):
            return len(self._commands)
        in_order = (wire.Flush, *hurry)
        return max((n for n, waiting in enumerate(self._commands, 1) if isinstance(waiting, in_order)), default=0)

    def _write(self, stdin: IO[bytes]) -> None:
        # BrokenPipeError: the process is gone, which the reader notices.
        with contextlib.suppress(BrokenPipeError), stdin:
            while (command := self._next_command()) is not None:
                rest = memoryview(wire.pack(command))
                while rest:
                    rest = rest[os.write(stdin.fileno(), rest) :]

    def _next_command(self) -> wire.Command | None:
        with self._more_commands:
            self._more_commands.wait_for(lambda: self._commands)
            return self._commands.popleft()

    def _read(self, stdout: IO[bytes]) -> None:
        unpacker = wire.Unpacker()
        # ProtocolError: whatever wrote this is not our child any more; it ends as if it had died.
        with contextlib.suppress(ProtocolError), stdout:
            while data := self._wait_for_data(stdout):
                for message in unpacker.feed(data):
                    self._on_report(message)
                    self._last[type(message)] = self._waited_seconds
        self._on_report(None)

    def _wait_for_data(self, stdout: IO[bytes]) -> bytes:
        self._waiting_since = since = self._now()
        data = os.read(stdout.fileno(), _REPORTS_BYTES)
        self._waiting_since = None
        self._waited_seconds += self._now() - since
        return data

    def _keep_stderr(self, stderr: IO[bytes]) -> None:
        with stderr:
            while data := os.read(stderr.fileno(), _STDERR_READ_BYTES):
                self._stderr = (self._stderr + data)[-_STDERR_KEPT_BYTES:]
                self._ended.wait(_STDERR_PAUSE_SECONDS)
