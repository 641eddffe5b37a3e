"""The owner's settings about money; the other sections are in `settings`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from speakerd.errors import ConfigurationError

NANO_PER_USD = 1_000_000_000
AS_KNOWN = -1.0
"""In the place of a price: the one that speakerd knows itself."""

_MOST_USD = 100_000.0


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What a model costs from a day on."""

    model: str
    """The model, its dated forms included; a * at the end stands for anything."""
    since: str = ""
    """The first day on which this price counts, as 2026-11-01; empty means always."""
    text_in_usd: float = AS_KNOWN
    """Dollars for a million tokens of text that go in; here and below -1 means the price that speakerd knows itself."""
    cached_text_in_usd: float = AS_KNOWN
    """Dollars for a million tokens of text that go in again and are cached."""
    text_out_usd: float = AS_KNOWN
    """Dollars for a million tokens of text that come out."""
    audio_in_usd: float = AS_KNOWN
    """Dollars for a million tokens of sound that go in; ten make a second."""
    cached_audio_in_usd: float = AS_KNOWN
    """Dollars for a million tokens of sound that go in again and are cached."""
    audio_out_usd: float = AS_KNOWN
    """Dollars for a million tokens of sound that come out; twenty make a second."""
    image_in_usd: float = AS_KNOWN
    """Dollars for a million tokens of pictures that go in."""
    cached_image_in_usd: float = AS_KNOWN
    """Dollars for a million tokens of pictures that go in again and are cached."""
    minute_usd: float = AS_KNOWN
    """Dollars for a minute of sound, where time is billed in place of tokens, as for most transcripts."""


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """What conversations may cost, in US dollars; 0 means without a limit."""

    day_warning_usd: float = 0.5
    """Dollars in one day from which on the speaker warns, once."""
    day_cap_usd: float = 1.0
    """Dollars in one day after which only endpoints that cost nothing are asked."""
    month_cap_usd: float = 10.0
    """Dollars in one calendar month after which only endpoints that cost nothing are asked."""
    conversation_cap_usd: float = 0.5
    """Dollars after which a conversation is ended."""
    ledger: str = ""
    """The file in which everything is booked, without content; empty means ledger.sqlite3 in the state folder."""
    prices: tuple[PriceRow, ...] = ()
    """Prices that speakerd does not know, or has wrong: instead of this line a table [[budget.prices]] for each."""


PRICE_NAMES = tuple(field.name for field in fields(PriceRow) if field.name.endswith("_usd"))


def nano_usd(usd: float) -> int:
    """Billionths of a dollar, exactly what the owner wrote."""
    return int(Decimal(str(usd)) * NANO_PER_USD)


def checked_price(usd: float | Decimal, key: str) -> int | None:
    """Billionths of a dollar for a token, or for a minute under a key that says so; None for AS_KNOWN.

    Raises ConfigurationError for what is no price, or has more decimals than can be counted exactly.
    """
    price = Decimal(str(usd))
    if price == Decimal(str(AS_KNOWN)):
        return None
    if not price.is_finite() or not 0 <= price <= Decimal(str(_MOST_USD)):
        raise ConfigurationError(f'"{key}" must be from 0.0 to {_MOST_USD}, or {AS_KNOWN}, not {usd}.')
    decimals = 9 if key.endswith("minute_usd") else 3
    nano = price.scaleb(decimals)
    if nano != int(nano):
        raise ConfigurationError(f'"{key}" must have at most {decimals} decimals, not {usd}: money is counted exactly.')
    return int(nano)


def bounds(budget: BudgetSettings) -> dict[str, tuple[float, float, float]]:
    """Each limit's value, its least and its most, by its key."""
    names = ("day_warning_usd", "day_cap_usd", "month_cap_usd", "conversation_cap_usd")
    return {f"budget.{name}": (getattr(budget, name), 0.0, _MOST_USD) for name in names}


def check_prices(budget: BudgetSettings) -> None:
    """Raise ConfigurationError for a price or a date that cannot be used."""
    for number, row in enumerate(budget.prices, 1):
        key = f"budget.prices[{number}]"
        if not row.model.rstrip("*"):
            raise ConfigurationError(f'"{key}.model" must name a model, such as "gpt-realtime-2.1".')
        first_day(row.since, f"{key}.since")
        for name in PRICE_NAMES:
            checked_price(getattr(row, name), f"{key}.{name}")


def first_day(text: str, key: str) -> date:
    """The day from which on a price counts; raises ConfigurationError."""
    try:
        return date.fromisoformat(text) if text else date.min
    except ValueError as error:
        raise ConfigurationError(f'"{key}" must be a date such as 2026-11-01, not {text!r}.') from error
