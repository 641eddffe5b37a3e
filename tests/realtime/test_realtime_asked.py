"""What a policy looks at: nothing in the arguments hides in depth, in number or in writing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.realtime.asked import plain, texts


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", ()),
        ("{}", ()),
        (
            '{"name": "x", "n": 5, "is": true, "none": null}',
            (("name", "x"), ("n", "5"), ("is", "true"), ("none", "null")),
        ),
        ('{"domain": ["light", ["lock"]]}', (("domain", "light"), ("domain", "lock"))),
        ('{"domain": {"light": "lock"}}', (("domain", "light"), ("domain", "lock"))),
        ('{"domain": "light", "domain": "lock"}', (("domain", "lock"),)),  # as the registry reads it
        ('["lock"]', (("", "lock"),)),
        ('"lock"', (("", "lock"),)),
        ("unlock it", (("", "unlock it"),)),
    ],
)
def test_texts(arguments: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert texts(arguments) == expected


@pytest.mark.parametrize(
    "text",
    [
        "gar\u200bage",
        "gar\u00adage",
        "\u202egarage",
        "gar\ufe0fage",
        "gar\u034fage",
        "\uff47\uff41rage",
        "\U0001d420arage",
        "  garage\n",
        "gar\U000e0061age",
    ],
)
def test_a_text_is_looked_at_as_it_looks(text: str) -> None:
    assert plain(text) == "garage"


@given(st.text())
def test_looking_twice_changes_nothing(text: str) -> None:
    assert plain(plain(text)) == plain(text)


def test_what_is_too_much_to_look_at_may_be_anything() -> None:
    many = texts(json.dumps({"domain": ["light"] * 300 + ["lock"]}))
    assert many[-1][0] == ""
    assert texts(json.dumps({"domain": "light" * 5000}))[0][0] == ""
    assert texts("[" * 100_000)[0][0] == ""
