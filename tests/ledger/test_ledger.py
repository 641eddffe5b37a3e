"""What the ledger tells the core: sums of day, month and conversation, over duplicates, restarts, midnights, clocks."""

from __future__ import annotations

import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger_stage import BERLIN, MINI, Stage
from ledger_stage import closed_afterwards as closed_afterwards
from speakerd.core.events import NO_SESSION, Spent
from speakerd.core.usage import Billed, Usage
from speakerd.ledger.booking import Booking
from speakerd.ledger.ledger import Standing, local_now


def rows(stage: Stage, what: str = "*") -> list[tuple[object, ...]]:
    with sqlite3.connect(stage.path) as file:
        found = file.execute(f"SELECT {what} FROM bookings ORDER BY at, response_id").fetchall()  # noqa: S608
    file.close()
    return found


def test_the_first_thing_told_is_what_was_spent_before(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert stage.told == [Spent(NO_SESSION, "2026-11-26", 0, 0)]
    stage.turn(5)
    stage.restart()
    assert stage.told[-1] == Spent(NO_SESSION, "2026-11-26", 50_000, 50_000)


def test_each_booking_is_told_with_its_session_and_conversation(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(5, "r1", session=1)
    assert (stage.told[-1].session, stage.last) == (1, ("2026-11-26", 5, 5, 5))
    stage.turn(7, "r2", session=2, root=1)
    assert (stage.told[-1].session, stage.last) == (2, ("2026-11-26", 12, 12, 12)), "2 continues 1"
    stage.turn(1, "r3", session=3)
    assert (stage.told[-1].session, stage.last) == (3, ("2026-11-26", 13, 13, 1)), "3 is a new conversation"


def test_a_session_number_of_another_start_is_another_conversation(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(5)
    stage.restart()  # at the same millisecond: the clock of a Pi without a battery
    stage.turn(7)
    assert stage.last == ("2026-11-26", 12, 12, 7)
    assert rows(stage, "conversation, cost_nano_usd") == [
        ("20261126T170000.000Z-1", 50_000),
        ("20261126T170000.001Z-1", 70_000),
    ]


def test_a_response_is_booked_once_and_its_transcript_beside_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for kind in ("response", "transcription", "response", "transcription"):
        stage.turn(5, "same", kind=kind)
    assert stage.last == ("2026-11-26", 10, 10, 10)
    assert len(stage.told) == 3, "nothing is told of what is known"
    for number in range(2000):
        stage.turn(0, f"r{number}")
    stage.turn(5, "same")
    assert stage.last == ("2026-11-26", 10, 10, 10), "the book knows it when memory does not any more"


def test_responses_without_a_name_are_all_paid_for(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(5, "")
    stage.turn(5, "")
    assert stage.last == ("2026-11-26", 10, 10, 10)


def test_what_a_row_holds(tmp_path: Path) -> None:
    stage = Stage(tmp_path, datetime(2026, 11, 27, 0, 30, 1, 999_999, tzinfo=BERLIN))
    used = Usage(text_in=3, audio_in=2, image_in=1, cached_text_in=1, cached_audio_in=1, text_out=5, audio_out=9)
    called = ("set_timer", "what I really wanted to say", "set_timer")
    stage.ledger.book(Billed(2, 1, "openai", MINI, "r", "response", used, called, "cancelled", estimated=True))
    stage.ledger.book(Billed(2, 1, "lan", MINI, "s", "response", used, bills=False))
    stage.ledger.book(Billed(2, 1, "openai", "gpt-transcribe", "i", "transcription", Usage(seconds=1.5)))
    [transcript, first, free] = [Booking._make(row) for row in rows(stage)]
    # (3-1)*600 + 1*60 + 5*2400, (2-1)*10 000 + 1*300 + 9*20 000, 1*800
    cost = 1_200 + 60 + 12_000 + 10_000 + 300 + 180_000 + 800
    run = "20261126T233001.999Z-1"
    at, day = "2026-11-26T23:30:01.999Z", "2026-11-27"
    expected = (
        *(run, 2, "r", "response", at, day, "openai", MINI, 3, 2, 1, 1, 1, 0, 5, 9, 0.0),
        *("set_timer unknown set_timer", "cancelled", 1, cost, ""),
    )
    assert first == expected
    assert (free.endpoint, free.text_in, free.cost_nano_usd) == ("lan", 3, 0)
    # 1500 ms of 4 500 000 n$ a minute
    assert (transcript.kind, transcript.seconds, transcript.cost_nano_usd) == ("transcription", 1.5, 112_500)


def test_a_server_that_talks_nonsense_breaks_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    used = Usage(text_in=10**40, audio_in=-(10**40), seconds=float("nan"))
    stage.ledger.book(Billed(1, 1, "openai", MINI, "x" * 10**6, "response", used))
    assert stage.last[1] > 0
    [(name, text_in, audio_in)] = rows(stage, "response_id, text_in, audio_in")
    assert (len(str(name)), text_in, audio_in) == (200, 2**53, 0)


def test_a_model_without_a_price_is_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(tmp_path)
    for name in ("a", "b"):
        stage.ledger.book(Billed(1, 1, "openai", "gpt-9", name, "response", Usage(text_out=1)))
    stage.ledger.book(Billed(1, 1, "lan", "llama", "c", "response", Usage(text_out=1), bills=False))
    [warning] = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warning == (
        "Not every price of the model gpt-9 is known: the dearest that is known counts; "
        "write its prices into the settings under [[budget.prices]]."
    )
    assert stage.told[-1].today_nano_usd == 2 * 24_000


STEPS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4), st.integers(0, 1000), st.booleans()), max_size=20)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_the_sum_is_that_of_the_different_responses(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, int, bool]]
) -> None:
    """In any order, with duplicates, over restarts."""
    stage = Stage(tmp_path_factory.mktemp("ledger"))
    run = 0
    booked: dict[tuple[int, int, int], int] = {}
    for session, response, cost, restarts in steps:
        if restarts:
            stage.restart()
            run += 1
        stage.turn(cost, f"r{response}", session)
        booked.setdefault((run, session, response), cost)
    total = sum(booked.values())
    assert stage.last[1:3] == (total, total)
    assert sum(int(str(cost)) for (cost,) in rows(stage, "cost_nano_usd")) == total * 10_000
    stage.restart()
    assert stage.last == ("2026-11-26", total, total, 0)
    stage.end()


async def test_a_day_begins_at_local_midnight(tmp_path: Path) -> None:
    stage = Stage(tmp_path, datetime(2026, 11, 26, 23, 58, 30, tzinfo=BERLIN))
    stage.turn(5)
    await stage.live(ticks=2)
    assert stage.waits == [60.0, 30.0]
    assert (stage.told[-1].session, stage.last) == (NO_SESSION, ("2026-11-27", 0, 5, 0))
    stage.turn(7, "r2")
    assert stage.last == ("2026-11-27", 7, 12, 12), "a conversation goes on over midnight"


async def test_a_month_begins(tmp_path: Path) -> None:
    stage = Stage(tmp_path, datetime(2026, 11, 30, 23, 59, 59, tzinfo=BERLIN))
    stage.turn(5)
    await stage.live(ticks=1)
    assert stage.last == ("2026-12-01", 0, 0, 0)
    stage.turn(7, "r2")
    stage.restart()
    assert stage.last == ("2026-12-01", 7, 7, 0)


def test_a_booking_after_midnight_needs_nobody_to_wake(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(5)
    stage.move(days=31)
    stage.turn(7, "r2")
    assert stage.last == ("2026-12-27", 7, 7, 12)


async def test_nothing_is_told_while_nothing_changes(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.live(ticks=10)
    assert len(stage.told) == 1
    assert stage.waits == [60.0] * 10


@pytest.mark.parametrize(
    ("begins", "hours"),
    [
        (datetime(2026, 10, 25, 0, 0, tzinfo=BERLIN), 25),  # the clocks are put back
        (datetime(2026, 3, 29, 0, 0, tzinfo=BERLIN), 23),
        (datetime(2026, 11, 26, 0, 0, tzinfo=ZoneInfo("Asia/Kathmandu")), 24),
        (datetime(2026, 9, 6, 0, 0, tzinfo=ZoneInfo("America/Santiago")), 23),  # a day that begins at 1:00
    ],
)
async def test_a_day_is_as_long_as_it_is_there(tmp_path: Path, begins: datetime, hours: int) -> None:
    stage = Stage(tmp_path, begins)
    await stage.live(ticks=hours * 60 - 1)
    assert len(stage.told) == 1
    await stage.live(ticks=2)
    assert len(stage.told) == 2
    assert stage.told[-1].day > stage.told[0].day


async def test_a_clock_that_jumps(tmp_path: Path) -> None:
    stage = Stage(tmp_path, datetime(1970, 1, 1, 1, 0, tzinfo=BERLIN))
    stage.turn(1, "before the network set the clock")
    stage.now = datetime(2026, 11, 26, 12, 0, tzinfo=BERLIN)
    await stage.live(ticks=1)
    assert stage.last == ("2026-11-26", 0, 0, 0)
    stage.turn(5, "r1")
    stage.now = datetime(2026, 11, 24, 12, 0, tzinfo=BERLIN)
    stage.turn(7, "r2")
    assert stage.last == ("2026-11-24", 7, 12, 13)
    stage.now = datetime(2026, 11, 26, 13, 0, tzinfo=BERLIN)
    await stage.live(ticks=1)
    assert stage.last == ("2026-11-26", 5, 12, 0), "back on the day from before"


def test_the_day_is_that_of_the_place_and_stays_when_the_speaker_moves(tmp_path: Path) -> None:
    stage = Stage(tmp_path, datetime(2026, 11, 26, 23, 30, tzinfo=ZoneInfo("America/New_York")))
    stage.turn(5)
    assert stage.last == ("2026-11-26", 5, 5, 5)
    stage.now = stage.now.astimezone(BERLIN)
    stage.turn(7, "r2")
    assert stage.last == ("2026-11-27", 7, 12, 12)
    assert [day for (day,) in rows(stage, "day")] == ["2026-11-26", "2026-11-27"]


async def test_what_was_booked_is_saved_when_it_is_quiet(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(5)
    in_file = stage.path.stat().st_size
    await stage.live(ticks=1)
    with sqlite3.connect(f"file:{stage.path}?immutable=1", uri=True) as file:
        assert file.execute("SELECT COUNT(*) FROM bookings").fetchone() == (1,), "the file alone holds it"
    file.close()
    assert stage.path.stat().st_size >= in_file
    stage.turn(7, "r2")
    assert rows(stage, "COUNT(*)") == [(2,)]


def test_standing_and_the_machine_s_clock(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.turn(5)
    assert stage.ledger.standing() == Standing("2026-11-26", 50_000, 50_000)
    assert abs((local_now() - datetime.now(UTC)).total_seconds()) < 60
    assert local_now().utcoffset() is not None
