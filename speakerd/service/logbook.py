"""Writes into the journal what befalls conversations, endpoints and money, and nothing that was said. An observer."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from speakerd.core.derived import serving
from speakerd.core.endpoints import Down
from speakerd.core.events import Event, RetryAsked, Spent
from speakerd.core.state import State, conversation, session
from speakerd.service.fields import fields
from speakerd.settings_budget import NANO_PER_USD

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """What is worth a line: a level of logging, a sentence, and what it is about."""

    level: int
    sentence: str
    about: Mapping[str, object] = field(default_factory=dict)
    """Fields of the journal in small letters, as `fields` has them."""


def write_down(event: Event, before: State, after: State) -> None:
    """Log what changed; an observer of the daemon's loop."""
    for line in lines(event, before, after):
        about = fields(event=type(event).__name__, phase=type(after.phase).__name__.lower(), **line.about)
        # The sentence is its own kind: a failure of another endpoint is news.
        _log.log(line.level, line.sentence, extra=about)


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
                yield Line(logging.INFO, f"{rule.name} {how}.", {"endpoint": rule.name})
    serves = serving(after)
    if serves == serving(before):
        return
    if serves is None:
        yield Line(logging.WARNING, "No endpoint serves: the budget is used up, and all of them cost money.")
    else:
        name = after.rules.endpoints[serves].name
        yield Line(logging.INFO, f"{name} serves now.", {"endpoint": name})


def _failure_line(name: str, down: Down) -> Line:
    about = {"endpoint": name, "fault": down.fault.value}
    if down.is_fatal:
        mended = "once that is mended, run `speakerd retry`"
        return Line(logging.WARNING, f"{name} is given up ({down.fault.value}): {mended}.", about)
    level = logging.WARNING if down.failures == 1 else logging.DEBUG
    return Line(level, f"{name} is down ({down.fault.value}); it is looked for again from time to time.", about)


def _conversation_lines(before: State, after: State) -> Iterator[Line]:
    told, talk = conversation(before.phase), conversation(after.phase)
    if talk is not None:
        name = after.rules.endpoints[talk.endpoint].name
        about = {"session": talk.session, "endpoint": name}
        if told is None:
            yield Line(logging.INFO, f"A conversation begins with {name} in session {talk.session}.", about)
        elif told.session != talk.session:
            yield Line(logging.INFO, f"The conversation goes on with {name} in session {talk.session}.", about)
        elif talk.is_lost and not told.is_lost:
            sentence = f"Session {talk.session} broke off; the conversation is to go on with {name}."
            yield Line(logging.INFO, sentence, about)
    if after.fault is not None and after.fault is not before.fault:
        about = {"session": session(before.phase), "fault": after.fault.value}
        yield Line(logging.WARNING, f"The conversation failed: {after.fault.value}.", about)
    elif told is not None and talk is None:
        about = {"session": told.session, "cost_usd": _cost_usd(after, told.session)}
        yield Line(logging.INFO, f"The conversation of session {told.session} is over.", about)


def _cost_usd(state: State, number: int) -> str | None:
    """What the conversation of a session has cost so far; None where nothing was booked for it."""
    spent = state.spent
    return f"{spent.conversation_nano_usd / NANO_PER_USD:.6f}" if spent and spent.session == number else None


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
        about = {"session": spent.session or None, "cost_usd": f"{amount / NANO_PER_USD:.6f}"}
        sentence = f"The {name} is reached: {_usd(amount)} of {_usd(limit)} USD ({spent.day})."
        yield Line(logging.WARNING, sentence, about)


def _usd(nano_usd: int) -> str:
    return f"{nano_usd / NANO_PER_USD:.2f}"
