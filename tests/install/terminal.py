"""Somebody at a terminal: a command in a root that is shown on it, and what is typed."""

from __future__ import annotations

import os
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

_WAITING_SECONDS = 200.0


class Terminal:
    """One with a command in the foreground."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.shown = ""
        """All that it has shown so far."""

    def echoes(self) -> bool:
        """Whether it shows what is typed."""
        return bool(termios.tcgetattr(self._descriptor)[3] & termios.ECHO)

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._descriptor, text.encode())

    def read_until(self, text: str) -> None:
        """Wait until it has shown a text."""
        end = time.monotonic() + _WAITING_SECONDS
        while text not in self.shown:
            assert self._read(end), f"it never showed {text!r}: {self.shown}"

    def read_all(self) -> str:
        """All that is shown until the command ends."""
        end = time.monotonic() + _WAITING_SECONDS
        while self._read(end):
            pass
        return self.shown

    def _read(self, end: float) -> bool:
        if not select.select([self._descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
            return False
        try:
            more = os.read(self._descriptor, 65536)
        except OSError:  # EIO: nobody has it open any more
            return False
        self.shown += more.decode(errors="replace")
        return bool(more)


@contextmanager
def at_terminal(command: list[str]) -> Iterator[Terminal]:
    """Run a command on a terminal of its own; it is ended at the end."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command], stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(ours)
        finally:
            process.kill()
            os.close(ours)
