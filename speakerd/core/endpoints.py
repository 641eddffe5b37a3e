"""Which endpoint serves: the first in the owner's order that is up and that the budget allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from speakerd.core.events import Fault

FATAL = frozenset({Fault.BAD_KEY, Fault.NO_CREDIT, Fault.REFUSED})
"""What the same endpoint would only repeat: it is not asked again until the owner says that he has mended it."""

_MOST_FAILURES = 6
_FIRST_CHECK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class EndpointRule:
    """What decisions need to know of an endpoint."""

    name: str = "the endpoint"
    bills: bool = False
    """Whether it costs money."""
    is_on_device: bool = False
    """Whether it is there without any network, and as quick as can be."""


@dataclass(frozen=True, slots=True)
class Down:
    """An endpoint that failed."""

    endpoint: int
    fault: Fault
    failures: int = 1

    @property
    def is_fatal(self) -> bool:
        """Whether only the owner can mend it."""
        return self.fault in FATAL

    @property
    def check_seconds(self) -> float:
        """How long to wait until it is looked for again."""
        return _FIRST_CHECK_SECONDS * 2.0 ** (self.failures - 1)


class Standing(Enum):
    """How an endpoint does."""

    UP = "up"
    DOWN = "down"
    GIVEN_UP = "given up"
    OVER_BUDGET = "over budget"


def with_failure(down: tuple[Down, ...], endpoint: int, fault: Fault) -> tuple[Down, ...]:
    """What is down, once more by a failure; the one that failed last comes last."""
    failures = 1 + sum(failed.failures for failed in down if failed.endpoint == endpoint)
    return (*without(down, endpoint), Down(endpoint, fault, min(failures, _MOST_FAILURES)))


def without(down: tuple[Down, ...], endpoint: int) -> tuple[Down, ...]:
    """What is down, without an endpoint that was reached."""
    return tuple(failed for failed in down if failed.endpoint != endpoint)


def standing(rules: tuple[EndpointRule, ...], down: tuple[Down, ...], index: int, *, may_bill: bool) -> Standing:
    """How one endpoint does, its failures first."""
    for failed in down:
        if failed.endpoint == index:
            return Standing.GIVEN_UP if failed.is_fatal else Standing.DOWN
    return Standing.OVER_BUDGET if rules[index].bills and not may_bill else Standing.UP


def eligible(
    rules: tuple[EndpointRule, ...], down: tuple[Down, ...], *, may_bill: bool, beside: int | None = None
) -> int | None:
    """The first endpoint that is up, other than `beside`."""
    for index in range(len(rules)):
        if index != beside and standing(rules, down, index, may_bill=may_bill) is Standing.UP:
            return index
    return None


def chosen(rules: tuple[EndpointRule, ...], down: tuple[Down, ...], *, may_bill: bool) -> int | None:
    """The endpoint for a new conversation: where none is up, one that may be again; None if the budget forbids all."""
    up = eligible(rules, down, may_bill=may_bill)
    if up is not None:
        return up
    affordable = [failed for failed in down if may_bill or not rules[failed.endpoint].bills]
    return min(affordable, key=lambda failed: (failed.is_fatal, failed.endpoint)).endpoint if affordable else None


def to_check(rules: tuple[EndpointRule, ...], down: tuple[Down, ...], *, may_bill: bool) -> Down | None:
    """The endpoint to look for next, of those that may come back by themselves: none keeps the others waiting."""
    may_return = [each for each in down if not each.is_fatal and (may_bill or not rules[each.endpoint].bills)]
    return min(may_return, key=lambda failed: failed.failures, default=None)
