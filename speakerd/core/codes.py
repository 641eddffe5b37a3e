"""One-time codes in what was said: digits as numerals or as English words; pure.

A code must be said by itself: whoever names one number after the other has said none.
"""

from __future__ import annotations

_DIGITS = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip


def is_a_try(text: str, code: str) -> bool:
    """Whether somebody named a number as long as the code, or longer."""
    return bool(_long_numbers(text, code))


def is_said(text: str, code: str) -> bool:
    """Whether the code is the only such number that was named."""
    return _long_numbers(text, code) == [code]


def _long_numbers(text: str, code: str) -> list[str]:
    return [number for number in numbers(text) if len(number) >= len(code)]


def numbers(text: str) -> list[str]:
    """The numbers in what was said, as digits; digits that follow each other are one number."""
    marked = "".join(mark if mark.isalnum() else " " for mark in text.casefold())
    return "".join(_digits(word) for word in marked.split()).split()


def _digits(word: str) -> str:
    if word.isdecimal():
        return "".join(str(int(mark)) for mark in word)
    return _DIGITS.get(word, " ")
