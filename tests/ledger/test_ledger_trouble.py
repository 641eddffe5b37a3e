"""Files that are damaged, full, locked or of another version: never a crash, never silently nothing spent."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ledger_stage import Stage
from ledger_stage import closed_afterwards as closed_afterwards
from speakerd.errors import LedgerError
from speakerd.ledger import book
from speakerd.ledger.book import SCHEMA, Book

TODAY = "2026-11-26"
ASIDE = "ledger.sqlite3.damaged-2026-11-26"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def file_of(stage: Stage) -> sqlite3.Connection:
    opened = stage.ledger._kept._book
    assert opened is not None
    return opened._file


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as file:
        (found,) = file.execute("SELECT COUNT(*) FROM bookings").fetchone()
        return int(found)


def cut(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])


def overwrite(path: Path, offset: int, what: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(what)


def noise(length: int, seed: int = 1) -> bytes:
    return Random(seed).randbytes(length)  # noqa: S311 - noise, no secret


DAMAGES: dict[str, Callable[[Path], None]] = {
    "no SQLite": lambda path: overwrite(path, 0, b"these are not the bookings " * 999),
    "nothing in it": lambda path: cut(path, 0),
    "a page and a half": lambda path: cut(path, 6000),
    "half": lambda path: cut(path, path.stat().st_size // 2),
    "a page of noise": lambda path: overwrite(path, 4096, noise(4096)),
    "a header of zeros": lambda path: overwrite(path, 0, bytes(100)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_put_aside(
    damage: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(tmp_path)
    for number in range(100):
        stage.turn(1, f"r{number}")
    stage.end()
    damage(stage.path)
    damaged = stage.path.read_bytes()
    stage.restart()
    told = [line for line in warnings(caplog) if "was damaged" in line]
    assert len(told) == 1
    assert told[0].endswith(f"and is now {ASIDE}: of this month only what could be read still counts.")
    assert stage.path.with_name(ASIDE).read_bytes() == damaged
    assert stage.ledger.standing().counts_since == TODAY, "what was spent is not known, and nobody says it was nothing"
    before = stage.last[1]
    assert before in range(101)
    stage.turn(7, "new")
    assert stage.last == (TODAY, before + 7, before + 7, 7)
    stage.restart()
    assert stage.last == (TODAY, before + 7, before + 7, 0)
    assert stage.ledger.standing().counts_since == TODAY, "also after the next start"
    stage.move(days=5)
    assert stage.ledger.standing().counts_since == "", "the next month is known"
    assert len([line for line in warnings(caplog) if "was damaged" in line]) == 1


def test_what_can_be_read_of_a_damaged_file_still_counts(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(40)
    stage.end()
    with closing(sqlite3.connect(stage.path)) as file:
        (page,) = file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'facts'").fetchone()
    overwrite(stage.path, (page - 1) * 4096, bytes(4096))
    stage.restart()
    assert stage.last == (TODAY, 40, 40, 0)
    assert stage.ledger.standing().counts_since == TODAY


def test_a_file_that_is_damaged_while_it_is_open(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(tmp_path)
    stage.turn(5, "r1")
    stage.move(days=-1)
    stage.turn(4, "r2")
    stage.move(days=1)
    book.save(stage.path)
    overwrite(stage.path, 4096, noise(4096 * 3))
    stage.turn(7, "r3")
    assert stage.last == (TODAY, 12, 16, 16), "memory knows what was spent"
    assert warnings(caplog) == [
        f"The ledger {stage.path} was damaged (database disk image is malformed) and is now {ASIDE}: "
        "all of this month still counts."
    ]
    stage.restart()
    assert stage.last == (TODAY, 12, 16, 0), "and it was carried over"
    assert stage.ledger.standing().counts_since == ""


def test_damage_twice_a_day_keeps_both(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for _ in range(2):
        stage.end()
        stage.path.write_bytes(b"noise")
        stage.restart()
    assert sorted(path.name for path in stage.path.parent.glob("*damaged*")) == [ASIDE, f"{ASIDE}-2"]


async def test_a_disk_that_damages_everything_is_not_filled(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(tmp_path)
    for _ in range(7):
        stage.end()
        stage.path.write_bytes(b"noise")
        stage.restart()
        stage.turn(1)
    assert len(list(stage.path.parent.glob("*damaged*"))) == 5
    assert "the disk seems to be broken" in warnings(caplog)[-1]
    assert stage.last[1] == 1
    told = len(warnings(caplog))
    await stage.live(ticks=5)
    assert len(warnings(caplog)) == told, "it is said once"


def test_a_file_of_something_else_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state" / "ledger.sqlite3"
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE facts (name, value)")
        other.execute("PRAGMA user_version = 1")
    stage = Stage(tmp_path)
    stage.turn(5)
    assert stage.last == (TODAY, 5, 5, 5)
    assert "no such table: bookings" in warnings(caplog)[0]
    stage.end()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("facts",)]


async def test_a_file_that_can_be_written_again_before_anything_is_booked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state" / "ledger.sqlite3").mkdir(parents=True)
    stage = Stage(tmp_path)
    stage.ledger._kept.save()
    stage.path.rmdir()
    caplog.set_level(logging.INFO)
    await stage.live(ticks=2)
    assert [line for line in caplog.messages if "again" in line] == [f"the ledger {stage.path} can be written again"]
    assert stage.ledger.standing().counts_since == ""


@pytest.mark.parametrize("seed", range(30))
def test_noise_anywhere_never_ends_the_speaker(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)  # noqa: S311 - places, no secrets
    stage = Stage(tmp_path)
    for number in range(150):
        stage.turn(1, f"r{number}")
    if chance.random() < 0.5:
        stage.end()
    else:  # as a kill leaves it
        book.save(stage.path)
        stage.turn(1, "in the WAL")
    victim = chance.choice([path for path in stage.path.parent.iterdir() if not path.name.endswith("-shm")])
    for _ in range(chance.randrange(1, 20)):
        overwrite(victim, chance.randrange(victim.stat().st_size), chance.randbytes(chance.randrange(1, 200)))
    stage.restart()
    stage.turn(3, "new")
    stage.restart()
    assert stage.last[1] >= 3
    assert stage.path.exists()


def test_a_full_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(tmp_path)
    (pages,) = file_of(stage).execute("PRAGMA page_count").fetchone()
    file_of(stage).execute(f"PRAGMA max_page_count = {pages}")
    for number in range(100):
        stage.turn(1, f"r{number}")
        stage.turn(1, f"r{number}")
    assert stage.last == (TODAY, 100, 100, 100)
    assert warnings(caplog) == [
        f"The ledger {stage.path} cannot be written (database or disk is full): spending is counted in memory until it "
        "can; check the disk and who owns the file."
    ]
    assert count(stage.path) < 100
    file_of(stage).execute("PRAGMA max_page_count = 1000000")
    stage.turn(1, "there is space again")
    assert count(stage.path) == 101
    assert stage.last == (TODAY, 101, 101, 101)


async def test_a_file_that_may_not_be_written_is_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(tmp_path)
    stage.turn(2, "r0")
    file_of(stage).execute("PRAGMA query_only = 1")
    stage.turn(3, "r1")
    stage.turn(4, "r2")
    assert (stage.last, count(stage.path)) == ((TODAY, 9, 9, 9), 1)
    assert len(warnings(caplog)) == 1
    assert "attempt to write a readonly database" in warnings(caplog)[0]
    await stage.live(ticks=1)
    assert count(stage.path) == 3
    stage.restart()
    assert stage.last == (TODAY, 9, 9, 0)


@pytest.mark.parametrize("obstacle", ["folder in its place", "file in the place of its folder"])
async def test_a_file_that_cannot_be_opened(obstacle: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state" / "ledger.sqlite3"
    if obstacle.startswith("folder"):
        path.mkdir(parents=True)
    else:
        path.parent.write_text("")
    stage = Stage(tmp_path)
    assert stage.ledger.standing().counts_since == TODAY, "nobody knows what was spent"
    stage.turn(5)
    await stage.live(ticks=3)
    stage.turn(5)
    assert stage.last == (TODAY, 5, 5, 5)
    assert len(warnings(caplog)) == 2
    path.rmdir() if path.is_dir() else path.parent.unlink()
    await stage.live(ticks=1)
    assert count(path) == 1
    assert stage.ledger.standing().counts_since == ""


async def test_what_was_spent_is_known_as_soon_as_the_file_can_be_read(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(40)
    stage.end()
    hidden = stage.path.rename(tmp_path / "elsewhere")
    stage.path.mkdir()
    stage.restart()
    stage.turn(5, "r2")
    assert stage.last == (TODAY, 5, 5, 5)
    stage.path.rmdir()
    hidden.rename(stage.path)
    await stage.live(ticks=1)
    assert stage.last == (TODAY, 45, 45, 0)


def test_what_could_never_be_written_is_said_at_the_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(tmp_path)
    file_of(stage).execute("PRAGMA query_only = 1")
    stage.turn(3)
    stage.end()
    assert warnings(caplog)[-1] == f"The ledger {stage.path} cannot be written: 1 bookings are lost."


async def test_a_booking_that_meets_the_saving_waits_for_the_next(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(tmp_path)
    with closing(sqlite3.connect(stage.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        stage.turn(5)
        assert stage.last == (TODAY, 5, 5, 5)
        other.execute("COMMIT")
    assert count(stage.path) == 0
    await stage.live(ticks=1)
    assert count(stage.path) == 1
    assert warnings(caplog) == []


def test_a_file_from_before_is_brought_up_to_date(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(5)
    stage.end()
    step = "ALTER TABLE bookings ADD COLUMN room TEXT NOT NULL DEFAULT ''; CREATE INDEX rooms ON bookings (room)"
    with closing(Book(stage.path, (*SCHEMA, step))) as newer:
        assert newer.spent_by_day("2026-11") == {TODAY: 50_000}
        assert newer._file.execute("PRAGMA user_version").fetchone() == (len(SCHEMA) + 1,)
        assert newer._file.execute("SELECT room FROM bookings").fetchall() == [("",)]
    with closing(Book(stage.path, (*SCHEMA, step))):
        pass  # and a step is taken once


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(5)
    stage.end()
    step = "ALTER TABLE bookings RENAME COLUMN tools TO uses; ALTER TABLE missing ADD COLUMN x"
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        Book(stage.path, (*SCHEMA, step))
    stage.restart()
    assert stage.last == (TODAY, 5, 5, 0)
    stage.turn(6, "r2")
    assert count(stage.path) == 2


def test_a_file_of_a_newer_speakerd_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(tmp_path)
    stage.turn(5)
    stage.end()
    with closing(Book(stage.path, (*SCHEMA, "CREATE TABLE more (x)"))):
        pass
    with pytest.raises(LedgerError, match="was written by a newer speakerd"):
        Book(stage.path)
    stage.restart()
    assert "was written by a newer speakerd: install that, or move the file away." in warnings(caplog)[0]
    stage.turn(6, "r2")
    assert stage.last == (TODAY, 11, 11, 6), "what it says of spending can still be read"
    stage.end()
    assert count(stage.path) == 1


def test_a_forgotten_wal_of_a_file_that_is_gone_is_not_taken_for_its_own(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(5)
    stage.path.unlink()
    stage.restart()
    assert stage.last == (TODAY, 0, 0, 0)
