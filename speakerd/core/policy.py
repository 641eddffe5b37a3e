"""Which tool calls run at once, which need the owner's hand or word, and which never run.

The model's word that somebody agreed counts for nothing: it may repeat what a stranger wrote. Rules look at the tool
and at what is asked of it, so that locking is allowed where unlocking is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
class _Pattern:
    """A pattern as it is compared with text in lower case."""

    parts: tuple[str, ...]
    """What stands between the asterisks."""
    longest: str
    """Of the parts; most texts do not have it, which is soon seen."""

    def describes(self, text: str) -> bool:
        if self.longest not in text:
            return False
        first, *rest = self.parts
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


def _split(pattern: str) -> _Pattern:
    parts = tuple(pattern.casefold().split("*"))
    return _Pattern(parts, max(parts, key=len))


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Those of a rule: split when the rule is made, for with each call a tool waits."""

    tool: _Pattern
    arguments: tuple[tuple[str, _Pattern], ...]
    unless: tuple[tuple[str, tuple[_Pattern, ...]], ...]


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
    patterns: _Patterns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Split the patterns."""
        arguments = tuple((name, _split(pattern)) for name, pattern in self.arguments)
        unless = tuple((name, tuple(map(_split, patterns))) for name, patterns in self.unless)
        object.__setattr__(self, "patterns", _Patterns(_split(self.tool), arguments, unless))


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as far as rules look at it."""

    tool: str
    arguments: tuple[tuple[str, str], ...]
    """Each text in the arguments with the name of the outermost argument that it stands in, "" where it may be any."""


_ALLOWED = PolicyRule("*", Verdict.ALLOW)


def ruling(rules: tuple[PolicyRule, ...], asked: Asked) -> PolicyRule:
    """The first rule that matches; what none does is allowed."""
    tool = asked.tool.casefold()
    texts = [(argument, text.casefold()) for argument, text in asked.arguments]
    for rule in rules:
        if rule.patterns.tool.describes(tool) and _fits(rule, texts):
            return rule
    return _ALLOWED


def verdict(rule: PolicyRule, *, is_tainted: bool) -> Verdict:
    """What becomes of the call that a rule is for; strangers' words in the conversation make a code worthless."""
    return Verdict.BUTTON if is_tainted and rule.verdict is Verdict.CONFIRM else rule.verdict


_Given = list[tuple[str, str]]
"""As in Asked, in lower case."""


def _fits(rule: PolicyRule, given: _Given) -> bool:
    """Whether what is asked of the tool is what a rule is about."""
    patterns = rule.patterns
    for name, safe in patterns.unless:
        if _is_given(given, name, safe):
            return False
    if rule.verdict is Verdict.ALLOW:
        return all(_is_given(given, name, (pattern,)) for name, pattern in patterns.arguments)
    return all(any(map(pattern.describes, _texts(given, name))) for name, pattern in patterns.arguments)


def _is_given(given: _Given, name: str, patterns: tuple[_Pattern, ...]) -> bool:
    """Whether an argument is there, and nothing in it but what matches; for "*", whether anything does."""
    among = [any(pattern.describes(text) for pattern in patterns) for text in _texts(given, name)]
    return any(among) if name == "*" else bool(among) and all(among)


def _texts(given: _Given, name: str) -> list[str]:
    return [text for argument, text in given if name == "*" or argument in (name, "")]


def rules_for(rules: tuple[PolicyRule, ...], tool: str) -> tuple[PolicyRule, ...]:
    """The rules that calls of a tool may meet, in order; the last one is for all the calls that no other is for."""
    found: list[PolicyRule] = []
    name = tool.casefold()
    for rule in rules:
        if rule.patterns.tool.describes(name):
            found.append(rule)
            if not rule.arguments and not rule.unless:
                return tuple(found)
    return (*found, _ALLOWED)
