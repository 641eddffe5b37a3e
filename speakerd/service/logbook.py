"""Writes into the journal what befalls conversations, endpoints and money, and nothing that was said. An observer."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from speakerd.core.derived import serving
from speakerd.core.endpoints import Down
from speakerd.core.events import Event, RetryAsked, Spent
from speakerd.core.state import State, conversation
from speakerd.settings_budget import NANO_PER_USD

_log = logging.getLogger(__name__)


Line = tuple[int, str]
"""A level of logging, and a sentence."""


def write_down(event: Event, before: State, after: State) -> None:
    """Log what changed; an observer of the daemon's loop."""
    for level, sentence in lines(event, before, after):
        # The sentence is its own kind: a failure of another endpoint is news.
        _log.log(level, sentence)


def lines(event: Event, before: State, after: State) -> Iterator[Line]:
    """What is worth a line, in order."""
    yield from _endpoint_lines(event, before, after)
    yield from _conversation_lines(before, after)
    if isinstance(event, Spent):
        yield from _limit_lines(event, before, after)


def _endpoint_lines(event: Event, before: State, after: State) -> Iterator[Line]:
    if before.down is not after.down:
        known, failed = ({down.endpoint: down for down in state.down} for state in (before, after))
        for index, rule in enumerate(after.rules.endpoints):
            if index in failed and failed[index] != known.get(index):
                yield _failure_line(rule.name, failed[index])
            elif index in known and index not in failed:
                how = "is to be tried again" if isinstance(event, RetryAsked) else "is up again"
                yield logging.INFO, f"{rule.name} {how}."
    serves = serving(after)
    if serves == serving(before):
        return
    if serves is None:
        yield logging.WARNING, "No endpoint serves: the budget is used up, and all of them cost money."
    else:
        yield logging.INFO, f"{after.rules.endpoints[serves].name} serves now."


def _failure_line(name: str, down: Down) -> Line:
    if down.is_fatal:
        mended = "once that is mended, run `speakerd retry`"
        return logging.WARNING, f"{name} is given up ({down.fault.value}): {mended}."
    level = logging.WARNING if down.failures == 1 else logging.DEBUG
    return level, f"{name} is down ({down.fault.value}); it is looked for again from time to time."


def _conversation_lines(before: State, after: State) -> Iterator[Line]:
    told, talk = conversation(before.phase), conversation(after.phase)
    if talk is not None:
        name = after.rules.endpoints[talk.endpoint].name
        if told is None:
            yield logging.INFO, f"A conversation begins with {name} in session {talk.session}."
        elif told.session != talk.session:
            yield logging.INFO, f"The conversation goes on with {name} in session {talk.session}."
        elif talk.is_lost and not told.is_lost:
            yield logging.INFO, f"Session {talk.session} broke off; the conversation is to go on with {name}."
    if after.fault is not None and after.fault is not before.fault:
        yield logging.WARNING, f"The conversation failed: {after.fault.value}."
    elif told is not None and talk is None:
        yield logging.INFO, f"The conversation of session {told.session} is over."


def _limit_lines(spent: Spent, before: State, after: State) -> Iterator[Line]:
    budget = after.rules.budget
    known = {
        "warning": ("warning of the day", spent.today_nano_usd, budget.day_warning_nano_usd),
        "day": ("limit of the day", spent.today_nano_usd, budget.day_cap_nano_usd),
        "month": ("limit of the month", spent.month_nano_usd, budget.month_cap_nano_usd),
        "conversation": ("limit of a conversation", spent.conversation_nano_usd, budget.conversation_cap_nano_usd),
    }
    for reached in sorted(after.told_limits - before.told_limits):
        name, amount, limit = known[reached.partition(" ")[0]]
        yield logging.WARNING, f"The {name} is reached: {_usd(amount)} of {_usd(limit)} USD ({spent.day})."


def _usd(nano_usd: int) -> str:
    return f"{nano_usd / NANO_PER_USD:.2f}"
