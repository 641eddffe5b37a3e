"""How tools say numbers, durations and lists, so that any voice reads them well. Pure."""

from __future__ import annotations

from collections.abc import Sequence

# fmt: off
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
# fmt: on
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def spoken_number(number: int) -> str:
    """A whole number from 0 to 100 in words."""
    if number < 20:
        return _ONES[number]
    if number == 100:
        return "one hundred"
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f" {_ONES[ones]}" if ones else "")


def spoken_list(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def spoken_duration(seconds: int) -> str:
    """A duration from 0 seconds to 100 hours: `one hour, five minutes and one second`."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    amounts = [(hours, "hour"), (minutes, "minute"), (seconds, "second")]
    parts = [f"{spoken_number(amount)} {unit}{'s' * (amount != 1)}" for amount, unit in amounts if amount]
    return spoken_list(parts) if parts else "zero seconds"
