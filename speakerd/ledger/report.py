"""What the owner wants to know of the book: how much, on what, and how much is left. Pure.

Names that end in _nano_usd are billionths of a dollar; as JSON they end in _usd and are dollars.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta

from speakerd.ledger.booking import Booking
from speakerd.settings_budget import NANO_PER_USD

TALK = "talk"
"""In the place of a tool's name: what was spent while none was called."""

_MOST_CONVERSATIONS = 10


@dataclass(frozen=True, slots=True)
class Caps:
    """What may be spent; 0 means any amount."""

    day_nano_usd: int = 0
    month_nano_usd: int = 0
    conversation_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a month."""

    period: str
    """As 2026-11-26, or 2026-11."""
    spent_nano_usd: int
    cap_nano_usd: int | None
    """None where there is none."""
    left_nano_usd: int | None
    responses: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation, however many sessions it took."""

    conversation: str
    began: str
    """UTC, when the first of it was billed."""
    spent_nano_usd: int
    responses: int
    tools: tuple[str, ...]
    """Those that were called, each once."""


@dataclass(frozen=True, slots=True)
class ToolCost:
    """What was spent on the responses that called a tool; one that called several is shared among its calls."""

    tool: str
    calls: int
    """For TALK: responses that called none, and transcripts."""
    spent_nano_usd: int


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What was spent at an endpoint on a model."""

    endpoint: str
    model: str
    bookings: int
    spent_nano_usd: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """How much of one kind was used."""

    kind: str
    tokens_in: int
    cached_in: int
    """Part of those that went in."""
    cached_share: float | None
    """From 0 to 1; None where none went in."""
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day."""

    day: str
    spent_nano_usd: int


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. Lists are of `days`, today included; the dearest first, where nothing else is said."""

    today: Period
    month: Period
    conversation_cap_nano_usd: int | None
    days: tuple[Day, ...]
    """The oldest first."""
    spent_nano_usd: int
    """In all these days."""
    estimated_nano_usd: int
    """How much of that is our own guess, because a connection broke."""
    conversations: tuple[Conversation, ...]
    """The latest few, of these days or of this month; the latest first."""
    tools: tuple[ToolCost, ...]
    models: tuple[ModelCost, ...]
    tokens: tuple[Tokens, ...]
    transcribed_seconds: float
    """What was billed by time."""
    counts_since: str | None
    """The day before which not all is known; None if all is."""


def first_day(today: date, days: int) -> date:
    """From where on a report of so many days needs bookings."""
    return min(today.replace(day=1), today - timedelta(days=days - 1))


def report(bookings: Iterable[Booking], today: date, days: int, caps: Caps, counts_since: str = "") -> Report:
    """A report of so many days, from the bookings since `first_day`."""
    rows = list(bookings)
    begins = today - timedelta(days=days - 1)
    shown = [row for row in rows if begins.isoformat() <= row.day <= today.isoformat()]
    return Report(
        today=_period(rows, today.isoformat(), caps.day_nano_usd),
        month=_period(rows, today.isoformat()[:7], caps.month_nano_usd),
        conversation_cap_nano_usd=caps.conversation_nano_usd or None,
        days=tuple(
            Day(day, _spent(row for row in shown if row.day == day))
            for day in ((begins + timedelta(days=number)).isoformat() for number in range(days))
        ),
        spent_nano_usd=_spent(shown),
        estimated_nano_usd=_spent(row for row in shown if row.estimated),
        conversations=_conversations(rows),
        tools=_tools(shown),
        models=_models(shown),
        tokens=tuple(_tokens(shown, kind) for kind in ("text", "audio", "image")),
        transcribed_seconds=sum(row.seconds for row in shown),
        counts_since=counts_since or None,
    )


def as_json(value: object) -> object:
    """A report as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_key(field.name): _json_value(field.name, getattr(value, field.name)) for field in fields(value)}
    return [as_json(part) for part in value] if isinstance(value, tuple) else value


def _key(name: str) -> str:
    return name.replace("_nano_usd", "_usd")


def _json_value(name: str, value: object) -> object:
    return value / NANO_PER_USD if name.endswith("_nano_usd") and isinstance(value, int) else as_json(value)


def _spent(rows: Iterable[Booking]) -> int:
    return sum(row.cost_nano_usd for row in rows)


def _period(rows: Sequence[Booking], period: str, cap_nano_usd: int) -> Period:
    within = [row for row in rows if row.day.startswith(period)]
    spent = _spent(within)
    cap, left = (cap_nano_usd, max(0, cap_nano_usd - spent)) if cap_nano_usd else (None, None)
    return Period(period, spent, cap, left, _responses(within))


def _responses(rows: Iterable[Booking]) -> int:
    return sum(row.kind == "response" for row in rows)


def _grouped(
    rows: Iterable[Booking], key: Callable[[Booking], tuple[str, ...]]
) -> dict[tuple[str, ...], list[Booking]]:
    groups: dict[tuple[str, ...], list[Booking]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _conversations(rows: Sequence[Booking]) -> tuple[Conversation, ...]:
    talks = [row for row in rows if row.session]
    groups = _grouped(talks, lambda row: (row.conversation,))
    found = [
        Conversation(
            conversation=name,
            began=min(row.at for row in group),
            spent_nano_usd=_spent(group),
            responses=_responses(group),
            tools=tuple(dict.fromkeys(tool for row in group for tool in row.tools.split())),
        )
        for (name,), group in groups.items()
    ]
    return tuple(sorted(found, key=lambda talk: (talk.began, talk.conversation), reverse=True)[:_MOST_CONVERSATIONS])


def _tools(rows: Sequence[Booking]) -> tuple[ToolCost, ...]:
    calls: Counter[str] = Counter()
    spent: Counter[str] = Counter()
    for row in rows:
        names = row.tools.split() or [TALK]
        share, rest = divmod(row.cost_nano_usd, len(names))
        for number, name in enumerate(names):
            calls[name] += 1
            spent[name] += share + (number < rest)
    costs = [ToolCost(name, count, spent[name]) for name, count in calls.items()]
    return tuple(sorted(costs, key=lambda cost: (-cost.spent_nano_usd, cost.tool)))


def _models(rows: Sequence[Booking]) -> tuple[ModelCost, ...]:
    groups = _grouped(rows, lambda row: (row.endpoint, row.model))
    costs = [ModelCost(endpoint, model, len(group), _spent(group)) for (endpoint, model), group in groups.items()]
    return tuple(sorted(costs, key=lambda cost: (-cost.spent_nano_usd, cost.endpoint, cost.model)))


def _tokens(rows: Sequence[Booking], kind: str) -> Tokens:
    into, cached, out = (
        sum(getattr(row, name, 0) for row in rows) for name in (f"{kind}_in", f"cached_{kind}_in", f"{kind}_out")
    )
    return Tokens(kind, into, cached, min(1.0, cached / into) if into else None, out)
