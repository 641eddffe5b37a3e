"""What a model may call, and what becomes of a call, for the owner; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from speakerd.core.policy import PolicyRule, rules_for
from speakerd.ports import ToolSpec


def inventory(policy: tuple[PolicyRule, ...], specs: Iterable[ToolSpec]) -> list[Mapping[str, object]]:
    """Each tool with the verdict on a call, and the rules for some calls that go before it."""
    return [_row(policy, spec) for spec in specs]


def _row(policy: tuple[PolicyRule, ...], spec: ToolSpec) -> Mapping[str, object]:
    *some, last = rules_for(policy, spec.name)
    return {
        "name": spec.name,
        "description": spec.description,
        "verdict": last.verdict.value,
        "rules": [_rule(rule) for rule in some],
    }


def _rule(rule: PolicyRule) -> Mapping[str, object]:
    return {
        "verdict": rule.verdict.value,
        "where": [f"{name}={pattern}" for name, pattern in rule.arguments],
        "unless": [f"{name}={'|'.join(patterns)}" for name, patterns in rule.unless],
    }
