"""Which calls run, by table; and the laws of patterns."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.core.policy import Asked, PolicyRule, Verdict, rules_for, ruling, verdict

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
    assert ruling(RULES, call).verdict is expected


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
    assert verdict(PolicyRule("*", found), is_tainted=True) is expected
    assert verdict(PolicyRule("*", found), is_tainted=False) is found


def matches(pattern: str, text: str) -> bool:
    """Whether a rule with this pattern is for a tool of this name."""
    return ruling((PolicyRule(pattern, Verdict.DENY),), Asked(text, ())).verdict is Verdict.DENY


@given(st.text("ab*", max_size=8), st.text("abAB", max_size=8))
def test_patterns_mean_what_they_mean_to_a_shell(pattern: str, text: str) -> None:
    assert matches(pattern, text) == fnmatch.fnmatchcase(text.casefold(), pattern.casefold())


@given(st.lists(st.sampled_from(Verdict), max_size=5))
def test_the_first_rule_that_matches_counts(verdicts: list[Verdict]) -> None:
    rules = tuple(PolicyRule("*", each) for each in verdicts)
    assert ruling(rules, asked("x")) == ruling(rules[:1], asked("x"))


LIGHTS = PolicyRule("*", Verdict.DENY, unless=(("domain", ("light", "lamp*")),))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((("domain", "light"),), Verdict.ALLOW),
        ((("domain", "Light"), ("domain", "lamps")), Verdict.ALLOW),
        ((("domain", "light"), ("domain", "lock")), Verdict.DENY),
        ((("name", "light"),), Verdict.DENY),
        ((("domain", "light"), ("", "all that could not be looked at")), Verdict.DENY),
        ((), Verdict.DENY),
    ],
)
def test_what_is_denied_unless_it_is_for_harmless_things_alone(
    texts: tuple[tuple[str, str], ...], expected: Verdict
) -> None:
    assert ruling((LIGHTS,), Asked("x", texts)).verdict is expected


@pytest.mark.parametrize(
    ("allowed", "texts", "expected"),
    [
        (("domain", "light"), (("domain", "light"),), Verdict.ALLOW),
        (("domain", "light"), (("domain", "light"), ("domain", "lock")), Verdict.DENY),
        (("domain", "light"), (), Verdict.DENY),
        (("*", "*kitchen*"), (("domain", "light"), ("area", "the kitchen")), Verdict.ALLOW),
        (("*", "*kitchen*"), (("domain", "light"), ("area", "the hall")), Verdict.DENY),
    ],
)
def test_a_list_is_allowed_as_a_whole_or_not_at_all(
    allowed: tuple[str, str], texts: tuple[tuple[str, str], ...], expected: Verdict
) -> None:
    rules = (PolicyRule("*", Verdict.ALLOW, (allowed,)), PolicyRule("*", Verdict.DENY))
    assert ruling(rules, Asked("x", texts)).verdict is expected


@pytest.mark.parametrize(
    ("tool", "verdicts"),
    [
        ("set_light", [Verdict.ALLOW]),
        ("unlock_door", [Verdict.DENY]),
        ("home_HassTurnOff", [Verdict.BUTTON, Verdict.CONFIRM, Verdict.ALLOW]),
    ],
)
def test_the_rules_that_calls_of_a_tool_may_meet_end_with_the_one_for_all_of_them(
    tool: str, verdicts: list[Verdict]
) -> None:
    assert [rule.verdict for rule in rules_for(RULES, tool)] == verdicts
