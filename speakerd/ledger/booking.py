"""One line of the ledger: what was used and what it cost, and never what was said. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from speakerd.core.usage import Billed
from speakerd.ledger.prices import Prices, seconds_of

CARRIED = "carried"
"""The kind of a row that stands for a day of a damaged book."""

_TOOL = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_COUNT = 2**53
_LONGEST_NAME = 200


class Booking(NamedTuple):
    """A row of the file, its columns in order."""

    conversation: str
    """When the speaker started, and the number of the conversation's first session since."""
    session: int
    response_id: str
    kind: str
    """response, transcription or carried."""
    at: str
    """The time in UTC, as 2026-11-26T17:02:03.456Z."""
    day: str
    """The local date, as 2026-11-26."""
    endpoint: str
    model: str
    text_in: int
    audio_in: int
    image_in: int
    cached_text_in: int
    cached_audio_in: int
    cached_image_in: int
    text_out: int
    audio_out: int
    seconds: float
    tools: str
    """The names of the tools that it called, with spaces between."""
    status: str
    estimated: int
    """1 where the usage is our own guess."""
    cost_nano_usd: int
    price_since: str
    """The first day of the price that counted; empty where it counts always or was a guess."""

    @property
    def key(self) -> tuple[str, int, str, str]:
        """What makes it one and not another."""
        return self.conversation, self.session, self.response_id, self.kind


COLUMNS = Booking._fields


def booking(billed: Billed, run: str, moment: datetime, prices: Prices) -> tuple[Booking, bool]:
    """The row of what was billed at a moment, and whether its price is a guess; `run` names this start."""
    usage = billed.usage
    quote = prices.quote(billed.model, usage, moment.date())
    row = Booking(
        conversation=f"{run}-{billed.continues_root}",
        session=billed.session,
        response_id=billed.response_id[:_LONGEST_NAME],
        kind=billed.kind,
        at=utc_text(moment),
        day=moment.date().isoformat(),
        endpoint=billed.endpoint[:_LONGEST_NAME],
        model=billed.model[:_LONGEST_NAME],
        text_in=_count(usage.text_in),
        audio_in=_count(usage.audio_in),
        image_in=_count(usage.image_in),
        cached_text_in=_count(usage.cached_text_in),
        cached_audio_in=_count(usage.cached_audio_in),
        cached_image_in=_count(usage.cached_image_in),
        text_out=_count(usage.text_out),
        audio_out=_count(usage.audio_out),
        seconds=seconds_of(usage),
        # A model may call what no tool is named; that could be anything that was said.
        tools=" ".join(name if _TOOL.fullmatch(name) else "unknown" for name in billed.tools),
        status=billed.status,
        estimated=int(billed.estimated),
        cost_nano_usd=quote.nano_usd if billed.bills else 0,
        price_since=quote.since if billed.bills else "",
    )
    return row, billed.bills and quote.is_guessed


def carried_over(day: str, spent_nano_usd: int) -> Booking:
    """What is known of a day of a damaged book."""
    at = f"{day}T00:00:00.000Z"
    head = CARRIED, 0, day, CARRIED, at, day, "", ""
    tokens = 0, 0, 0, 0, 0, 0, 0, 0
    return Booking(*head, *tokens, 0.0, "", "", 0, spent_nano_usd, "")


def utc_text(moment: datetime) -> str:
    """A time, such that texts sort as times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def _count(tokens: int) -> int:
    return min(max(0, tokens), _MOST_COUNT)
