"""What the owner reads: sums by hand, every share accounted for, JSON with keys that stay, and a picture."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.ledger.booking import Booking, carried_over
from speakerd.ledger.report import (
    Caps,
    Conversation,
    Day,
    ModelCost,
    Period,
    Report,
    Tokens,
    ToolCost,
    as_json,
    first_day,
    report,
)
from speakerd.ledger.report_text import bar, lines, usd

TODAY = date(2026, 11, 26)
CENT = 10_000_000
CAPS = Caps(100 * CENT, 1000 * CENT, 50 * CENT)
MINI = "gpt-realtime-2.1-mini"

_numbers = count()


def row(day: str, cost: int, tools: str = "", talk: str = "a-1", **others: object) -> Booking:
    name, at = f"r{next(_numbers)}", f"{day}T10:00:00.000Z"
    tokens = 100, 50, 0, 80, 10, 0, 7, 30
    base = Booking(talk, 1, name, "response", at, day, "openai", MINI, *tokens, 0.0, tools, "completed", 0, cost, "")
    return base._replace(**others)  # type: ignore[arg-type]


ROWS = [
    row("2026-10-31", 3 * CENT, talk="a-1"),
    row("2026-11-01", 5 * CENT, talk="a-2", tools="set_timer"),
    row("2026-11-25", 7 * CENT, talk="a-3", tools="set_timer get_time"),
    row("2026-11-25", 1 * CENT, talk="a-3", kind="transcription", model="gpt-transcribe", seconds=90.0, text_out=0),
    row("2026-11-26", 11 * CENT, talk="b-1", estimated=1),
    row("2026-11-26", 0, talk="b-2", endpoint="lan", model="llama", tools="set_timer"),
]


def test_a_report_by_hand() -> None:
    found = report(ROWS, TODAY, days=2, caps=CAPS)
    assert found == Report(
        # 11 + 0 of 100; 5 + 7 + 1 + 11 + 0 of 1000 cents
        today=Period("2026-11-26", 11 * CENT, 100 * CENT, 89 * CENT, 2),
        month=Period("2026-11", 24 * CENT, 1000 * CENT, 976 * CENT, 4),
        conversation_cap_nano_usd=50 * CENT,
        days=(Day("2026-11-25", 8 * CENT), Day("2026-11-26", 11 * CENT)),
        spent_nano_usd=19 * CENT,
        estimated_nano_usd=11 * CENT,
        conversations=(
            Conversation("b-2", "2026-11-26T10:00:00.000Z", 0, 1, ("set_timer",)),
            Conversation("b-1", "2026-11-26T10:00:00.000Z", 11 * CENT, 1, ()),
            Conversation("a-3", "2026-11-25T10:00:00.000Z", 8 * CENT, 1, ("set_timer", "get_time")),
            Conversation("a-2", "2026-11-01T10:00:00.000Z", 5 * CENT, 1, ("set_timer",)),
            Conversation("a-1", "2026-10-31T10:00:00.000Z", 3 * CENT, 1, ()),
        ),
        # 7 cents are shared by two tools; talk is 11 and the transcript's 1
        tools=(
            ToolCost("talk", 2, 12 * CENT),
            ToolCost("get_time", 1, 35 * CENT // 10),
            ToolCost("set_timer", 2, 35 * CENT // 10),
        ),
        models=(
            ModelCost("openai", MINI, 2, 18 * CENT),
            ModelCost("openai", "gpt-transcribe", 1, 1 * CENT),
            ModelCost("lan", "llama", 1, 0),
        ),
        # Of four rows 100 text in, 80 cached; 50 audio in, 10 cached; three have 7 text out
        tokens=(
            Tokens("text", 400, 320, 0.8, 21),
            Tokens("audio", 200, 40, 0.2, 120),
            Tokens("image", 0, 0, None, 0),
        ),
        transcribed_seconds=90.0,
        counts_since=None,
    )


def test_nothing_booked_and_no_limits() -> None:
    found = report([], TODAY, days=3, caps=Caps())
    assert found.today == Period("2026-11-26", 0, None, None, 0)
    assert [day.day for day in found.days] == ["2026-11-24", "2026-11-25", "2026-11-26"]
    assert list(lines(found, 80)) == [
        "today         $0.0000  no limit",
        "this month    $0.0000  no limit",
        "",
        "3 days: $0.0000",
        "  11-24",
        "  11-25",
        "  11-26",
    ]


def test_what_is_over_the_limit_leaves_nothing() -> None:
    found = report([row("2026-11-26", 101 * CENT)], TODAY, days=1, caps=CAPS)
    assert found.today.left_nano_usd == 0


def test_the_latest_ten_conversations() -> None:
    many = [row("2026-11-26", 1, talk=f"a-{n}", at=f"2026-11-26T10:{n:02}:00.000Z") for n in range(30)]
    assert [talk.conversation for talk in report(many, TODAY, 1, CAPS).conversations] == [
        f"a-{number}" for number in range(29, 19, -1)
    ]


def test_what_was_carried_over_counts_and_is_no_conversation() -> None:
    found = report([carried_over("2026-11-25", 40 * CENT)], TODAY, days=2, caps=CAPS, counts_since="2026-11-26")
    assert (found.month.spent_nano_usd, found.conversations) == (40 * CENT, ())
    text = list(lines(found, 80))
    assert "Not all is known of before 2026-11-26, because the ledger was damaged." in text
    assert f"{'  carried over':<20}      1  $0.4000" in text


@pytest.mark.parametrize(
    ("today", "days", "first"),
    [
        (TODAY, 30, date(2026, 10, 28)),
        (TODAY, 1, date(2026, 11, 1)),
        (date(2026, 3, 1), 1, date(2026, 3, 1)),
        (date(2026, 12, 31), 30, date(2026, 12, 1)),
    ],
)
def test_the_whole_month_is_needed(today: date, days: int, first: date) -> None:
    assert first_day(today, days) == first


tools = st.lists(st.sampled_from(["set_timer", "get_time", "unknown"]), max_size=5).map(" ".join)


@given(st.lists(st.tuples(st.integers(0, 10**12), tools, st.integers(1, 30)), max_size=30))
def test_every_share_is_accounted_for(booked: list[tuple[int, str, int]]) -> None:
    rows = [row(f"2026-11-{day:02}", cost, called) for cost, called, day in booked]
    found = report(rows, date(2026, 11, 30), 30, CAPS)
    total = sum(cost for cost, *_ in booked)
    assert found.spent_nano_usd == found.month.spent_nano_usd == total
    for parts in (found.tools, found.models, found.days):
        assert sum(part.spent_nano_usd for part in parts) == total


def test_json_has_dollars_and_keys_that_stay() -> None:
    found = as_json(report(ROWS, TODAY, days=2, caps=CAPS))
    assert isinstance(found, dict)
    assert list(found) == [
        *("today", "month", "conversation_cap_usd", "days", "spent_usd", "estimated_usd", "conversations", "tools"),
        *("models", "tokens", "transcribed_seconds", "counts_since"),
    ]
    assert found["today"] == {
        "period": "2026-11-26",
        "spent_usd": 0.11,
        "cap_usd": 1.0,
        "left_usd": 0.89,
        "responses": 2,
    }
    assert found["days"][0] == {"day": "2026-11-25", "spent_usd": 0.08}
    assert found["conversations"][2] == {
        "conversation": "a-3",
        "began": "2026-11-25T10:00:00.000Z",
        "spent_usd": 0.08,
        "responses": 1,
        "tools": ["set_timer", "get_time"],
    }
    assert found["tools"][1] == {"tool": "get_time", "calls": 1, "spent_usd": 0.035}
    assert found["models"][2] == {"endpoint": "lan", "model": "llama", "bookings": 1, "spent_usd": 0.0}
    assert found["tokens"][0] == {
        **{"kind": "text", "tokens_in": 400, "cached_in": 320, "cached_share": 0.8, "tokens_out": 21},
    }
    assert as_json(report([], TODAY, 1, Caps())) is not None
    assert asdict(report([], TODAY, 1, Caps()))["conversation_cap_nano_usd"] is None


PICTURE = """\
today         $0.1100  of $1.00, $0.8900 left
this month    $0.2400  of $10.00, $9.7600 left
a conversation may cost $0.50

2 days: $0.1900, of which $0.1100 is a guess, because a connection broke
  11-25 ███████▎ $0.0800
  11-26 ██████████ $0.1100

tool         times    spent
  talk           2  $0.1200
  get_time       1  $0.0350
  set_timer      2  $0.0350

endpoint and model              times    spent
  openai gpt-realtime-2.1-mini      2  $0.1800
  openai gpt-transcribe             1  $0.0100
  lan llama                         1  $0.0000

tokens
  text           400 in (80% cached), 21 out
  audio          200 in (20% cached), 120 out
  transcripts of 1.5 minutes

latest conversations
  2026-11-26 10:00    $0.0000  1 response  set_timer
  2026-11-26 10:00    $0.1100  1 response
  2026-11-25 10:00    $0.0800  1 response  set_timer, get_time
  2026-11-01 10:00    $0.0500  1 response  set_timer
  2026-10-31 10:00    $0.0300  1 response
"""


def test_the_picture() -> None:
    found = report(ROWS, TODAY, days=2, caps=CAPS)
    assert "\n".join(lines(found, 30, zone=UTC)) + "\n" == PICTURE
    plain = "\n".join(lines(found, 30, blocks=False, zone=UTC))
    assert plain.isascii()
    assert "  11-25 ####### $0.0800" in plain


@pytest.mark.parametrize(
    ("length", "blocks", "drawn"),
    [
        (0.0, True, ""),
        (0.001, True, "▏"),
        (0.5, True, "▌"),
        (1.0, True, "█"),
        (2.99, True, "███"),
        (0.0, False, ""),
        (0.001, False, "#"),
        (2.6, False, "###"),
    ],
)
def test_a_bar(length: float, blocks: bool, drawn: str) -> None:
    assert bar(length, blocks) == drawn


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [(0, "$0.0000"), (1, "<$0.0001"), (99_999, "<$0.0001"), (100_000, "$0.0001"), (12_345_678_901, "$12.3457")],
)
def test_dollars(nano_usd: int, text: str) -> None:
    assert usd(nano_usd) == text
