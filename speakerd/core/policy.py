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
    """(argument, pattern): each must match the argument's text, or one of its texts if it is a list; the argument "*"
    means any of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as far as rules look at it."""

    tool: str
    arguments: tuple[tuple[str, str], ...]
    """Each text in the arguments with the name of the outermost argument that it stands in."""


def verdict(rules: tuple[PolicyRule, ...], asked: Asked, *, is_tainted: bool) -> Verdict:
    """The verdict of the first rule that matches, else ALLOW; strangers' words in this turn make a code worthless."""
    found = next((rule.verdict for rule in rules if _matches(rule, asked)), Verdict.ALLOW)
    return Verdict.BUTTON if is_tainted and found is Verdict.CONFIRM else found


def _matches(rule: PolicyRule, asked: Asked) -> bool:
    return matches(rule.tool, asked.tool) and all(
        any(matches(pattern, text) for argument, text in asked.arguments if name in ("*", argument))
        for name, pattern in rule.arguments
    )


def rules_for(rules: tuple[PolicyRule, ...], tool: str) -> tuple[PolicyRule, ...]:
    """The rules that calls of a tool may meet, in order; the last one is for all the calls that no other is for."""
    found: list[PolicyRule] = []
    for rule in (*rules, PolicyRule("*", Verdict.ALLOW)):
        if matches(rule.tool, tool):
            found.append(rule)
            if not rule.arguments:
                break
    return tuple(found)


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


def _guarded(tool: str, *arguments: tuple[str, str]) -> PolicyRule:
    return PolicyRule(tool, Verdict.DENY, arguments)


DEFAULT_POLICY: tuple[PolicyRule, ...] = (
    *(_guarded(tool) for tool in ("*unlock*", "*disarm*", "*purchase*", "*checkout*", "buy_*", "*_buy_*", "*shell*")),
    # Home Assistant unlocks a lock, and disarms, by turning it off; it opens a door or a gate by turning it on.
    *(_guarded("*TurnOff*", ("domain", domain)) for domain in ("lock", "alarm_control_panel")),
    *(_guarded("*TurnOff*", ("*", word)) for word in ("*lock*", "*alarm*")),
    *(_guarded("*TurnOn*", ("*", word)) for word in ("*garage*", "*gate*")),
    *(_guarded("*TurnOn*", ("device_class", word)) for word in ("door", "garage", "gate")),
    *(_guarded("*open*", ("*", word)) for word in ("*garage*", "*gate*", "*door*")),
    *(_guarded("*SetPosition*", ("*", word)) for word in ("*garage*", "*gate*", "*door*")),
)
"""What needs a decision of the owner's before a model may do it; his own rules go before these."""
