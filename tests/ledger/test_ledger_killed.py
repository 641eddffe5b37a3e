"""A speaker that is killed at any moment keeps every booking that it had acknowledged, each once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ledger_stage import Stage
from ledger_stage import closed_afterwards as closed_afterwards
from speakerd.ledger.book import read_only

KILLS = 100
MOST_BOOKINGS = 40
CHILD = Path(__file__).with_name("ledger_child.py")


class Forker:
    """Starts speakers and kills them."""

    def __init__(self) -> None:
        command = [sys.executable, str(CHILD)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def killed_after(self, bookings: int, path: Path) -> set[str]:
        """What a speaker had acknowledged when it was killed: so many bookings, and what it made until then."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{path}\n")
        stdin.flush()
        pid = int(stdout.readline())
        acknowledged = {stdout.readline().strip() for _ in range(bookings)}
        os.kill(pid, signal.SIGKILL)
        return acknowledged | {line.strip() for line in iter(stdout.readline, "over\n")}


@pytest.fixture
def forker() -> Iterator[Forker]:
    forker = Forker()
    with forker.process:
        yield forker
        assert forker.process.stdin is not None
        forker.process.stdin.close()


def booked(path: Path) -> list[str]:
    with closing(read_only(path)) as file:
        assert file.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        return [name for (name,) in file.execute("SELECT response_id FROM bookings")]


def test_killed_a_hundred_times(tmp_path: Path, forker: Forker) -> None:
    path = tmp_path / "state" / "ledger.sqlite3"
    moments = Random(26)  # noqa: S311 - moments, no secrets
    acknowledged: set[str] = set()
    found: list[str] = []
    for kills in range(1, KILLS + 1):
        acknowledged |= forker.killed_after(moments.randrange(1, MOST_BOOKINGS), path)
        found = booked(path)
        assert acknowledged <= set(found)
        assert len(found) == len(set(found))
        assert len(found) <= len(acknowledged) + kills, "each kill may hit one between its booking and its word"
    stage = Stage(tmp_path)
    assert not list(path.parent.glob("*damaged*"))
    assert stage.last == ("2026-11-26", len(found), len(found), 0)


def test_killed_while_it_begins(tmp_path: Path, forker: Forker) -> None:
    for number in range(20):
        path = tmp_path / str(number) / "state" / "ledger.sqlite3"
        acknowledged = forker.killed_after(0, path)
        stage = Stage(tmp_path / str(number))
        stage.turn(1, "new")
        assert not list(path.parent.glob("*damaged*"))
        assert {*acknowledged, "new"} <= set(booked(path))
