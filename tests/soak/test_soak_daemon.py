from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from soak.daemon_verdict import Sample, verdict
from soak.daemon_watch import Watch, asked
from soak.daemon_world import zone

CALM: dict[str, float] = {
    "daemon_rss_mib": 63.0,
    "daemon_files": 15,
    "daemon_threads": 8,
    "card_rss_mib": 41.0,
    "assistant_rss_mib": 71.0,
    "processes": 3,
    "zombies": 0,
}


def run(**last: float) -> list[Sample]:
    """Three hours, a sample each quarter; what is named grows evenly to its last value."""
    return [
        Sample(900.0 * n, CALM | {name: CALM[name] + (value - CALM[name]) * n / 12 for name, value in last.items()})
        for n in range(13)
    ]


def test_a_calm_run_has_nothing_to_say() -> None:
    assert verdict(run(), {"wakes": 200, "missed_wakes": 4}, 900.0) == []


@pytest.mark.parametrize(
    ("last", "counts", "words"),
    [
        ({"daemon_rss_mib": 67.0}, {}, "The daemon's memory grew by 3.7 MiB."),
        ({"card_rss_mib": 60.0}, {}, "card_rss_mib was 60.0"),
        ({"assistant_rss_mib": 100.0}, {}, "assistant_rss_mib was 100.0"),
        ({"daemon_files": 17}, {}, "daemon_files grew"),
        ({"daemon_threads": 20}, {}, "daemon_threads grew"),
        ({"processes": 4}, {}, "There were 4 processes"),
        ({"zombies": 1}, {}, "nobody had fetched"),
        ({}, {"stuck": 1}, "It was stuck 1 times."),
        ({}, {"wakes": 200, "missed_wakes": 5}, "5 of 200 wake words were missed."),
    ],
)
def test_what_is_not_as_it_must_be_is_said(last: dict[str, float], counts: dict[str, int], words: str) -> None:
    (found,) = verdict(run(**last), counts, 900.0)
    assert words in found


def test_a_run_that_is_too_short_proves_nothing() -> None:
    (found,) = verdict(run()[:3], {}, 900.0)
    assert "too short" in found


@pytest.mark.parametrize("seconds", [1.0, 150.0, 3600.0, 80_000.0])
def test_a_midnight_comes_when_it_is_wanted(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    unix_seconds = 1_790_000_000.0
    try:
        with monkeypatch.context() as patched:
            patched.setenv("TZ", zone(unix_seconds, seconds))
            time.tzset()
            before, after = (datetime.fromtimestamp(unix_seconds + seconds + change) for change in (-1, 1))
    finally:
        time.tzset()
    assert os.environ.get("TZ", "") != zone(unix_seconds, seconds)
    assert before.day != after.day


class Teller:
    """The other end of a control socket: tells what it is given, to whoever came first."""

    def __init__(self, path: Path, *events: dict[str, Any]) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._events = events
        self.lines: list[str] = []
        self._more = threading.Event()
        self._thread = threading.Thread(target=self._tell)
        self._thread.start()

    def go_on(self) -> None:
        self._more.set()

    def end(self) -> None:
        self._thread.join(10)
        self._listener.close()

    def _tell(self) -> None:
        connection, _ = self._listener.accept()
        # Whoever has read enough may be gone before the last line.
        with suppress(BrokenPipeError), connection, connection.makefile("rw") as lines:
            self.lines.append(lines.readline())
            for number, event in enumerate(self._events):
                if number == 1:
                    self._more.wait(10)
                lines.write(json.dumps(event) + "\n")
                lines.flush()


def test_a_follower_sees_what_comes_after_a_mark_and_when_it_is_over(tmp_path: Path) -> None:
    told = (
        {"event": "snapshot", "phase": "idle", "light": "idle"},
        {"event": "phase", "phase": "listening", "light": "listening"},
        {"event": "tool", "name": "set_light"},
        {"event": "phase", "phase": "idle", "light": "idle"},
    )
    teller = Teller(tmp_path / "socket", *told)
    watch = Watch(tmp_path / "socket")
    assert watch.now["light"] == "idle"
    mark = watch.mark()
    assert not watch.since(mark, phase="listening")
    teller.go_on()
    assert watch.sees(mark, 10, event="tool", name="set_light")
    assert watch.since(mark, phase="listening")
    assert watch.until(watch.is_over, 10)
    assert not watch.sees(mark, 10, event="tool", name="set_timer"), "what is over is not waited for"
    assert watch.rests(10)
    assert not watch.since(watch.mark(), phase="idle")
    watch.close()
    teller.end()
    assert json.loads(teller.lines[0]) == {"do": "follow"}


@pytest.mark.parametrize("end", [{"done": True}, {"error": "no"}])
def test_an_answer_ends_with_its_last_line(tmp_path: Path, end: dict[str, Any]) -> None:
    teller = Teller(tmp_path / "socket", {"event": "snapshot"}, end, {"event": "never read"})
    teller.go_on()
    assert asked(tmp_path / "socket", {"do": "status"}) == [{"event": "snapshot"}, end]
    teller.end()


def test_an_answer_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    teller = Teller(tmp_path / "socket", {"event": "snapshot"})
    with pytest.raises(ConnectionError):
        asked(tmp_path / "socket", {"do": "status"})
    teller.end()
