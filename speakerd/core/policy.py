"""Which tool calls run at once, which need the owner's hand or word, and which never run.

The model's word that somebody agreed counts for nothing: it may repeat what a stranger wrote. Rules look at the tool
and at what is asked of it, so that locking is allowed where unlocking is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What becomes of a call, the least strict first."""

    ALLOW = "allow"
    CONFIRM = "confirm"
    """The action button, or the one-time code that the user has to say."""
    BUTTON = "button"
    """The action button alone."""
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """A rule for some calls; * in a pattern stands for anything, and case does not matter."""

    tool: str
    verdict: Verdict
    arguments: tuple[tuple[str, str], ...] = ()
    """(argument, pattern): what is asked for must match, each of these. Of an argument that is a list one text is
    enough to be held back, and it takes all of them to be allowed. The argument "*" means any of them."""
    unless: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(argument, patterns): not for a call in which one of these arguments is given, and all its texts match."""
    advice: str = ""
    """What the model may do instead, if there is something."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as far as rules look at it."""

    tool: str
    arguments: tuple[tuple[str, str], ...]
    """Each text in the arguments with the name of the outermost argument that it stands in, "" where it may be any."""


_ALLOWED = PolicyRule("*", Verdict.ALLOW)


def ruling(rules: tuple[PolicyRule, ...], asked: Asked) -> PolicyRule:
    """The first rule that matches; what none does is allowed."""
    pattern, is_for = "", False
    for rule in rules:
        if rule.tool != pattern:  # most rules are for the tools of the one before
            pattern, is_for = rule.tool, matches(rule.tool, asked.tool)
        if is_for and _fits(rule, asked):
            return rule
    return _ALLOWED


def verdict(rule: PolicyRule, *, is_tainted: bool) -> Verdict:
    """What becomes of the call that a rule is for; strangers' words in the conversation make a code worthless."""
    return Verdict.BUTTON if is_tainted and rule.verdict is Verdict.CONFIRM else rule.verdict


def _fits(rule: PolicyRule, asked: Asked) -> bool:
    """Whether what is asked of the tool is what a rule is about."""
    if any(_is_given(asked, *safe) for safe in rule.unless):
        return False
    if rule.verdict is Verdict.ALLOW:
        return all(_is_given(asked, name, (pattern,)) for name, pattern in rule.arguments)
    return all(any(matches(pattern, text) for text in _texts(asked, name)) for name, pattern in rule.arguments)


def _is_given(asked: Asked, name: str, patterns: tuple[str, ...]) -> bool:
    """Whether an argument is there, and nothing in it but what matches; for "*", whether anything does."""
    among = [any(matches(pattern, text) for pattern in patterns) for text in _texts(asked, name)]
    return any(among) if name == "*" else bool(among) and all(among)


def _texts(asked: Asked, name: str) -> list[str]:
    return [text for argument, text in asked.arguments if name == "*" or argument in (name, "")]


def rules_for(rules: tuple[PolicyRule, ...], tool: str) -> tuple[PolicyRule, ...]:
    """The rules that calls of a tool may meet, in order; the last one is for all the calls that no other is for."""
    found: list[PolicyRule] = []
    for rule in rules:
        if matches(rule.tool, tool):
            found.append(rule)
            if not rule.arguments and not rule.unless:
                return tuple(found)
    return (*found, _ALLOWED)


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern describes."""
    first, *rest = pattern.casefold().split("*")
    text = text.casefold()
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    position = len(first)
    *middle, last = rest
    for part in middle:
        found = text.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return len(text) - len(last) >= position and text.endswith(last)
