"""What somebody sees who follows a running daemon at its control socket: its phases and lights, tools and words."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_MOST_KEPT = 2000
_TELLING = ("snapshot", "phase")


class Watch:
    """A follower, until the daemon ends; all times are monotonic seconds."""

    def __init__(self, control: Path) -> None:
        """Connect and follow; what is there now is known when this returns."""
        self._changed = threading.Condition()
        self._events: list[Mapping[str, Any]] = []
        self._first = 0
        self.now: Mapping[str, Any] = {}
        """The latest of what the daemon tells of itself."""
        self._is_over = False
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(control))
        self._socket.sendall(b'{"do": "follow"}\n')
        threading.Thread(target=self._follow, daemon=True).start()
        self.until(lambda: bool(self.now), 10.0)

    def mark(self) -> int:
        """The place of what comes next."""
        return self._first + len(self._events)

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition on what was seen holds; whether it did in time."""
        ends_at = time.monotonic() + seconds
        with self._changed:
            while not condition():
                left = ends_at - time.monotonic()
                if left <= 0 or self._is_over:
                    return False
                self._changed.wait(left)
        return True

    def since(self, mark: int, **wanted: object) -> bool:
        """Whether an event with these values was seen since then."""
        events = self._events[max(0, mark - self._first) :]
        return any(all(event.get(key) == value for key, value in wanted.items()) for event in events)

    def sees(self, mark: int, seconds: float, **wanted: object) -> bool:
        """Wait for an event with these values; whether it came in time."""
        return self.until(lambda: self.since(mark, **wanted), seconds)

    def rests(self, seconds: float) -> bool:
        """Wait until the speaker is idle and nothing rings, is muted or missing; whether it is in time."""
        return self.until(lambda: self.now.get("light") == "idle", seconds)

    def is_over(self) -> bool:
        """Whether the daemon has ended, or has closed the connection."""
        return self._is_over

    def close(self) -> None:
        """Follow no more."""
        self._socket.close()

    def _follow(self) -> None:
        try:
            with self._socket.makefile("rb") as lines:
                for line in lines:
                    self._take(json.loads(line))
        except (OSError, ValueError):
            pass  # the daemon, or we, have closed the connection: said below
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _take(self, event: Mapping[str, Any]) -> None:
        with self._changed:
            if event["event"] in _TELLING:
                self.now = event
            self._events.append(event)
            if len(self._events) > 2 * _MOST_KEPT:
                del self._events[:_MOST_KEPT]
                self._first += _MOST_KEPT
            self._changed.notify_all()


def asked(control: Path, command: Mapping[str, object], seconds: float = 30.0) -> list[dict[str, Any]]:
    """All that the daemon answers to a command until it is done, the end of it included; raises OSError."""
    answers: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(str(control))
        connection.sendall(json.dumps(command).encode() + b"\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                answers.append(json.loads(line))
                if "done" in answers[-1] or "error" in answers[-1]:
                    return answers
    raise ConnectionError("the daemon has closed the connection before it had answered")
