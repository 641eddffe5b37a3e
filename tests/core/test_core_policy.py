"""Which calls run, by table; and the laws of patterns."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.core.policy import Asked, PolicyRule, Verdict, matches, verdict

RULES = (
    PolicyRule("*Turn*", Verdict.BUTTON, (("name", "*garage*"), ("*", "cover"))),
    PolicyRule("*HassTurnOff", Verdict.CONFIRM, (("domain", "lock"),)),
    PolicyRule("*unlock*", Verdict.DENY),
)


def asked(tool: str, **arguments: str) -> Asked:
    return Asked(tool, tuple(arguments.items()))


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (asked("set_light", room="kitchen"), Verdict.ALLOW),
        (asked("home_HassTurnOff", name="Front door", domain="lock"), Verdict.CONFIRM),
        (asked("home_HassTurnOff", name="Front door", domain="LOCK"), Verdict.CONFIRM),
        (asked("home_HassTurnOn", name="Front door", domain="lock"), Verdict.ALLOW),
        (asked("home_HassTurnOn", name="Big Garage Door", domain="cover"), Verdict.BUTTON),
        (asked("home_HassTurnOn", name="Big Garage Door", domain="light"), Verdict.ALLOW),
        (asked("door_UNLOCK_now"), Verdict.DENY),
    ],
    ids=repr,
)
def test_verdict(call: Asked, expected: Verdict) -> None:
    assert verdict(RULES, call, is_tainted=False) is expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Verdict.ALLOW, Verdict.ALLOW),
        (Verdict.CONFIRM, Verdict.BUTTON),
        (Verdict.BUTTON, Verdict.BUTTON),
        (Verdict.DENY, Verdict.DENY),
    ],
)
def test_after_strangers_words_a_code_is_not_enough(found: Verdict, expected: Verdict) -> None:
    assert verdict((PolicyRule("*", found),), asked("x"), is_tainted=True) is expected


@given(st.text("ab*", max_size=8), st.text("abAB", max_size=8))
def test_patterns_mean_what_they_mean_to_a_shell(pattern: str, text: str) -> None:
    assert matches(pattern, text) == fnmatch.fnmatchcase(text.casefold(), pattern.casefold())


@given(st.lists(st.sampled_from(Verdict), max_size=5), st.booleans())
def test_the_first_rule_that_matches_counts(verdicts: list[Verdict], is_tainted: bool) -> None:
    rules = tuple(PolicyRule("*", each) for each in verdicts)
    alone = verdict(rules[:1], asked("x"), is_tainted=is_tainted)
    assert verdict(rules, asked("x"), is_tainted=is_tainted) is alone
