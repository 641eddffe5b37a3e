from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.errors import ConfigurationError
from speakerd.wakeword.night import Night, night

MINUTES = st.times().map(lambda moment: moment.replace(second=0, microsecond=0, fold=0))


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("22:00-07:00", time(21, 59, 59), False),
        ("22:00-07:00", time(22), True),
        ("22:00-07:00", time(0), True),
        ("22:00-07:00", time(6, 59, 59, 999_999), True),
        ("22:00-07:00", time(7), False),
        ("22:00-07:00", time(12), False),
        ("13:00-15:30", time(12, 59), False),
        ("13:00-15:30", time(13), True),
        ("13:00-15:30", time(15, 30), False),
        ("13:00-15:30", time(0), False),
        ("22:00-00:00", time(23, 59), True),
        ("22:00-00:00", time(0), False),
        (" 9:05 - 9:06 ", time(9, 5, 30), True),
    ],
)
def test_the_night_begins_at_its_start_and_is_over_at_its_end(text: str, now: time, expected: bool) -> None:
    assert night(text).contains(now) is expected


@given(MINUTES, MINUTES, st.times())
def test_night_and_the_same_span_turned_round_share_the_day(start: time, end: time, now: time) -> None:
    if start != end:
        assert Night(start, end).contains(now) is not Night(end, start).contains(now)


@given(MINUTES, MINUTES)
def test_what_is_written_is_read(start: time, end: time) -> None:
    if start != end:
        assert night(f"{start:%H:%M}-{end:%H:%M}") == Night(start, end)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it is not a span of time"),
        ("22-7", "it is not a span of time"),
        ("22:00", "it is not a span of time"),
        ("22:00-07:00-08:00", "it is not a span of time"),
        ("22:00:00-07:00:00", "it is not a span of time"),
        ("\u0662\u0662:00-07:00", "it is not a span of time"),  # Arabic digits
        ("24:00-07:00", "there is no such time of day"),
        ("22:60-07:00", "there is no such time of day"),
        ("22:00-22:00", "it ends when it begins"),
        ("7:00-07:00", "it ends when it begins"),
    ],
)
def test_what_cannot_be_a_night_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        night(text)
    assert str(raised.value) == f'"wake_word.night" cannot be {text!r}, {fault}: write it as "22:00-07:00".'
