from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.tools.spoken import spoken_duration, spoken_list, spoken_number

NUMBERS = {spoken_number(number): number for number in range(101)}
SECONDS = {"hour": 3600, "minute": 60, "second": 1}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (7, "seven"),
        (13, "thirteen"),
        (19, "nineteen"),
        (20, "twenty"),
        (21, "twenty one"),
        (40, "forty"),
        (99, "ninety nine"),
        (100, "one hundred"),
    ],
)
def test_numbers(number: int, words: str) -> None:
    assert spoken_number(number) == words


def test_no_two_numbers_sound_alike() -> None:
    assert len(NUMBERS) == 101


@pytest.mark.parametrize(
    ("words", "said"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_lists(words: list[str], said: str) -> None:
    assert spoken_list(words) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "zero seconds"),
        (1, "one second"),
        (60, "one minute"),
        (90, "one minute and thirty seconds"),
        (300, "five minutes"),
        (3600, "one hour"),
        (3605, "one hour and five seconds"),
        (5461, "one hour, thirty one minutes and one second"),
        (86_400, "twenty four hours"),
    ],
)
def test_durations(seconds: int, said: str) -> None:
    assert spoken_duration(seconds) == said


@given(st.integers(1, 86_400))
def test_what_is_said_adds_up_to_the_duration(seconds: int) -> None:
    total = 0
    for part in re.split(", | and ", spoken_duration(seconds)):
        words, unit = part.rsplit(" ", 1)
        assert unit.endswith("s") == (NUMBERS[words] != 1)
        total += NUMBERS[words] * SECONDS[unit.removesuffix("s")]
    assert total == seconds
