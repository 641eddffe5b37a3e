"""How the values of a parameter are said, and which words typed text has. Pure.

Words are lower case and without digits: "5 min" is "five minutes", "what's" is "what is".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

LARGEST = 2000
"""Largest number that has words."""
_ALL_HEARD = 120
"""Up to here every number is in the recogniser's grammar, above it only tens: fewer words, fewer confusions."""
_MOST_WITH_DECIMALS = 100

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ONES += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_UNITS = {"min": "minutes", "mins": "minutes", "sec": "seconds", "secs": "seconds", "hr": "hour", "hrs": "hours"}
_EXPANSIONS = {
    **{f"{word}'s": f"{word} is" for word in ("what", "that", "who", "where", "how", "it", "there")},
    **{word: word[:-1] + " is" for word in ("whats", "thats", "wheres", "hows")},
    **{word + "n't": f"{word} not" for word in ("do", "does", "did", "is", "are", "could", "would")},
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "i'm": "i am",
    "i'd": "i would",
    "let's": "let us",
    "ok": "okay",
    "%": "percent",
    "&": "and",
}
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)*|[%&]")


def words_of(text: str) -> tuple[str, ...]:
    """The words of typed or recognised text: no punctuation; numbers up to LARGEST and contractions spelled out."""
    tokens = _TOKEN.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return tuple(word for token in tokens for word in _spelled(token).split())


def _spelled(token: str) -> str:
    if token[0].isdecimal() and token.isascii():
        whole, _, decimals = token.partition(".")
        if len(whole) > len(str(LARGEST)) or int(whole) > LARGEST:
            return token
        point = " point " + " ".join(_ONES[int(digit)] for digit in decimals) if decimals else ""
        return number_words(int(whole)) + point
    return _EXPANSIONS.get(token) or _UNITS.get(token, token)


def number_words(number: int) -> str:
    """The usual words of a whole number from -LARGEST to LARGEST."""
    return next(_forms(number))


def spoken_values(schema: Mapping[str, object]) -> Mapping[str, object]:
    """What can be said for a parameter of this JSON Schema, with the value of each; empty when nothing can."""
    if "const" in schema:
        return dict(_named(schema["const"]))
    choices = schema.get("enum", schema.get("examples"))
    if isinstance(choices, list):
        return {words: value for choice in reversed(choices) for words, value in _named(choice)}
    kinds = schema.get("type")
    kind = next((k for k in kinds if k != "null"), None) if isinstance(kinds, list) else kinds
    if kind == "boolean":
        return {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
    if kind in ("integer", "number"):
        low, high = _bound(schema.get("minimum"), 0), _bound(schema.get("maximum"), 100)
        return _numbers(max(low, -LARGEST), min(high, LARGEST), kind == "number")
    return {}


def is_heard(words: str, value: object) -> bool:
    """Whether a spoken value belongs into the recogniser's grammar, and is not only for typed text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    if words.startswith("a "):
        return False
    if abs(value) <= _ALL_HEARD:
        return True
    return value % 10 == 0 and " and " not in words


def _bound(limit: object, default: float) -> float:
    return default if isinstance(limit, bool) or not isinstance(limit, int | float) else limit


def _named(choice: object) -> Iterator[tuple[str, object]]:
    if isinstance(choice, bool):
        yield from ((word, choice) for word in (("on", "yes", "true") if choice else ("off", "no", "false")))
    elif isinstance(choice, int) and abs(choice) <= LARGEST:
        yield from ((form, choice) for form in _forms(choice))
    elif isinstance(choice, str) and (words := " ".join(words_of(choice.replace("_", " ")))):
        yield words, choice


@lru_cache(maxsize=64)
def _numbers(low: float, high: float, decimals: bool) -> Mapping[str, object]:
    values: dict[str, object] = {}
    first, last = -int(-low // 1), int(high // 1)
    for number in range(first, last + 1):
        values.update((form, number) for form in _forms(number))
    if decimals and high - low <= _MOST_WITH_DECIMALS:
        values.update(_decimals(max(first, 0), last, high))
    return values


def _decimals(first: int, last: int, high: float) -> Iterator[tuple[str, object]]:
    for number in range(first, last + 1):
        for tenth in range(1, 10):
            if (value := number + tenth / 10) <= high:
                yield f"{number_words(number)} point {_ONES[tenth]}", value
        if number + 0.5 <= high:
            yield f"{number_words(number)} and a half", number + 0.5


def _forms(number: int) -> Iterator[str]:
    if number < 0:
        yield from (f"minus {form}" for form in _forms(-number))
    elif number < 20:
        yield _ONES[number]
    elif number < 100:
        yield _TENS[number // 10 - 2] + (f" {_ONES[number % 10]}" if number % 10 else "")
    else:
        size, word = (1000, "thousand") if number >= 1000 else (100, "hundred")
        heads = [f"{_ONES[number // size]} {word}", *([f"a {word}"] if number // size == 1 else [])]
        rest = number % size
        tails = [""] if not rest else [f"{tie}{form}" for form in _forms(rest) for tie in (" ", " and ")]
        yield from (head + tail for head in heads for tail in tails)
