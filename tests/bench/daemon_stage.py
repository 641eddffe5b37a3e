"""A whole daemon as systemd starts it: a process of its own, on the fake card, that says itself when it is ready.

What it writes to a disk is under one folder; the card's files are in memory, so that their traffic is not its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.machine import service_environment
from soak.processes import descendants
from speakerd.demo.card import FakeCard

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
WATCHDOG_SECONDS = 30.0
_START_SECONDS = 60.0
_END_SECONDS = 15.0
_LONGEST_NOTIFICATION = 4096
_NAMES = {"speakerd.audio.child": "card", "speakerd.offline": "assistant"}
_SETTINGS = """
board = "{board}"
state_folder = "{folder}/state"
[audio]
input = "{card}"
output = "{card}"
[control]
socket = "{folder}/control.sock"
[endpoint]
name = "offline"
[tools]
demo_home = true
"""


@dataclass(frozen=True, slots=True)
class Notification:
    """What the daemon told systemd."""

    at: float
    """Monotonic seconds."""
    text: str


class DaemonProcess:
    """A running daemon; `ended` must be called."""

    def __init__(
        self,
        folder: Path,
        card: FakeCard,
        *,
        program: Sequence[str] = ("-m", "speakerd", "run"),
        board: str = "none",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; its settings, its state and its socket are in the folder."""
        self.folder = folder
        self.control = folder / "control.sock"
        self.journal: list[str] = []
        """What it wrote to stderr, line by line."""
        self.notifications: list[Notification] = []
        self._changed = threading.Condition()
        (folder / "tmp").mkdir(exist_ok=True)
        (folder / "speakerd.toml").write_text(_SETTINGS.format(board=board, folder=folder, card=card.name))
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = folder / "notify"
        address.unlink(missing_ok=True)
        self._listener.bind(str(address))
        given = service_environment() | card.environment | {"TMPDIR": str(folder / "tmp")} | dict(environment or {})
        given |= {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": str(round(WATCHDOG_SECONDS * 1e6))}
        self.started_at = time.monotonic()
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, *program, "--config", str(folder / "speakerd.toml")],
            env=given,
            stdin=pipe,
            stderr=pipe,
            text=True,
        )
        assert self.process.stderr is not None
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def ready_seconds(self) -> float:
        """Wait until it is ready; returns the seconds since its start."""
        return self.until(lambda: self.notified("READY=1")) - self.started_at

    def notified(self, text: str) -> float | None:
        """When it last said this, in monotonic seconds; None if it has not."""
        return next((told.at for told in reversed(self.notifications) if told.text == text), None)

    def until(self, moment: Callable[[], float | None], seconds: float = _START_SECONDS) -> float:
        """Wait for a moment that its notifications tell of; raises TimeoutError, or ChildProcessError if it ends."""
        ends_at = time.monotonic() + seconds
        with self._changed:
            while (found := moment()) is None:
                if self.process.poll() is not None:
                    raise ChildProcessError(f"the daemon ended with {self.process.returncode}: {self.journal[-3:]}")
                if not self._changed.wait(min(1.0, ends_at - time.monotonic())) and time.monotonic() > ends_at:
                    raise TimeoutError(f"not seen of the daemon within {seconds:.0f} s; it wrote {self.journal[-3:]}")
        return found

    def pids(self) -> dict[str, int]:
        """The process numbers of the daemon and of all that it has started, by name."""
        found = {"daemon": self.process.pid}
        for process in descendants(self.process.pid):
            with contextlib.suppress(OSError):  # it ended while we looked
                words = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode().split("\0")
                name = next((_NAMES[word] for word in words if word in _NAMES), Path(words[0]).name)
                found[name if name not in found else f"{name} {process.pid}"] = process.pid
        return found

    def end(self) -> int:
        """Ask it to end, as systemd does; returns its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._close()

    def _close(self) -> None:
        if self._listener.fileno() < 0:
            return
        self._listener.sendto(b"", self._listener.getsockname())  # wakes the thread that listens
        for thread in self._threads:
            thread.join(_END_SECONDS)
        self._listener.close()
        if self.process.stdin:
            self.process.stdin.close()

    def _listen(self) -> None:
        while True:
            try:
                text = self._listener.recv(_LONGEST_NOTIFICATION).decode()
            except OSError:
                return
            if not text:
                return
            with self._changed:
                self.notifications.append(Notification(time.monotonic(), text))
                self._changed.notify_all()

    def _read(self, stderr: IO[str]) -> None:
        with stderr:
            for line in stderr:
                self.journal.append(line.rstrip("\n"))


@contextmanager
def daemon(noise_seconds: float, noise_dbfs: float = -60.0) -> Iterator[tuple[DaemonProcess, FakeCard]]:
    """A daemon in a quiet room, from its start to its end."""
    with room(noise_seconds, noise_dbfs) as (folder, card):
        running = DaemonProcess(folder, card)
        try:
            yield running, card
        finally:
            running.end()


@contextmanager
def room(noise_seconds: float, noise_dbfs: float = -60.0) -> Iterator[tuple[Path, FakeCard]]:
    """A folder on the disk, and a card in memory in whose room there is noise for so long."""
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix="speakerd-bench-") as folder,
        tempfile.TemporaryDirectory(prefix="speakerd-bench-", dir=memory) as card_folder,
    ):
        card = FakeCard(Path(card_folder) / "card", channels=1)
        card.fill_room_noise(noise_seconds, noise_dbfs, 3)
        yield Path(folder), card
