"""What was used → what it costs, in whole billionths of a dollar (n$), so that sums are exact. Pure.

Dollars for a million tokens, times a thousand, are n$ for one. Nobody may spend more than the ledger says: what is not
known counts at the dearest price that is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from speakerd.core.usage import Usage
from speakerd.settings_budget import PRICE_NAMES, PriceRow, checked_price, first_day

_MOST_TOKENS = 1_000_000_000
_MOST_SECONDS = 86_400.0
"""What no response can use; a server that says so is wrong, and must not make the sum unusable."""
_MOST_FOUND = 16
"""Few models are in use at a time; the rest is of other days."""
_DATED = re.compile(r"-20\d\d-\d\d-\d\d$")
_MS_PER_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs from a day on."""

    model: str
    """As in `PriceRow`."""
    since: date
    nano_usd: Mapping[str, int]
    """For a token, or a minute, by the name of the setting; what is not known is missing."""
    is_owners: bool = False

    def is_of(self, model: str) -> bool:
        """Whether it is the price of this model."""
        if self.model.endswith("*"):
            return model.startswith(self.model[:-1])
        return self.model in (model, _DATED.sub("", model))


@dataclass(frozen=True, slots=True)
class Quote:
    """What something costs."""

    nano_usd: int
    since: str
    """The day of the price, as 2026-11-01; empty where it counts always, or is none of the model's own."""
    is_guessed: bool = False
    """Whether a price was not known, and the dearest was taken."""


@dataclass(frozen=True)
class Prices:
    """All prices, the owner's and ours."""

    rows: Sequence[Price]
    _found: dict[tuple[str, date], tuple[Price, ...]] = field(default_factory=dict, compare=False)

    def quote(self, model: str, usage: Usage, day: date) -> Quote:
        """What was used costs on that day."""
        own = self._of(model, day)
        total, is_guessed = 0, not own
        for name, amount in _amounts(usage).items():
            price = next((row.nano_usd[name] for row in own if name in row.nano_usd), None)
            if amount and price is None:
                price, is_guessed = self._dearest(name), True
            total += _cost(name, amount, price or 0)
        since = own[0].since if own else date.min
        return Quote(total, "" if since == date.min else since.isoformat(), is_guessed)

    def _of(self, model: str, day: date) -> tuple[Price, ...]:
        """The model's prices on a day, the one that counts first; before the first day of all, the oldest."""
        if (model, day) not in self._found:
            mine = [row for row in self.rows if row.is_of(model)]
            valid = [row for row in mine if row.since <= day]
            known = sorted(valid, key=_precedence, reverse=True) or sorted(mine, key=lambda row: row.since)
            if len(self._found) >= _MOST_FOUND:
                self._found.clear()
            self._found[model, day] = tuple(known)
        return self._found[model, day]

    def _dearest(self, name: str) -> int:
        return max((row.nano_usd.get(name, 0) for row in self.rows), default=0)


def price_list(owners: Iterable[PriceRow] = ()) -> Prices:
    """The owner's prices and ours; raises ConfigurationError for the owner's mistakes."""
    own = [
        _price(row.model, row.since, {name: getattr(row, name) for name in PRICE_NAMES}, f"budget.prices[{number}]")
        for number, row in enumerate(owners, 1)
    ]
    return Prices([*own, *_shipped()])


@cache
def _shipped() -> tuple[Price, ...]:
    text = (Path(__file__).parent / "prices.toml").read_text(encoding="utf-8")
    return tuple(
        _price(row.pop("model"), row.pop("since", ""), row, "prices", is_owners=False)
        for row in tomllib.loads(text, parse_float=Decimal)["prices"]
    )


def _price(model: str, since: str, usd: Mapping[str, float | Decimal], key: str, *, is_owners: bool = True) -> Price:
    known = {name: checked_price(price, f"{key}.{name}") for name, price in usd.items()}
    nano_usd = {name: price for name, price in known.items() if price is not None}
    return Price(model, first_day(since, f"{key}.since"), nano_usd, is_owners)


def _precedence(row: Price) -> tuple[bool, bool, int, date]:
    return row.is_owners, not row.model.endswith("*"), len(row.model), row.since


def _amounts(usage: Usage) -> dict[str, int]:
    """Tokens, or milliseconds for minutes, by the name of their price; what a server cannot mean is put right."""
    amounts = {}
    for kind in ("text", "audio", "image"):
        into = _tokens(getattr(usage, f"{kind}_in"))
        cached = min(into, _tokens(getattr(usage, f"cached_{kind}_in")))
        amounts[f"{kind}_in_usd"] = into - cached
        amounts[f"cached_{kind}_in_usd"] = cached
    amounts["text_out_usd"] = _tokens(usage.text_out)
    amounts["audio_out_usd"] = _tokens(usage.audio_out)
    amounts["minute_usd"] = round(seconds_of(usage) * 1000)
    return amounts


def _tokens(count: int) -> int:
    return min(max(0, count), _MOST_TOKENS)


def seconds_of(usage: Usage) -> float:
    """The seconds that are billed."""
    return min(usage.seconds, _MOST_SECONDS) if usage.seconds > 0 else 0.0  # NaN is not


def _cost(name: str, amount: int, nano_usd: int) -> int:
    """Rounded up to a whole billionth, where time is billed."""
    return -(-amount * nano_usd // _MS_PER_MINUTE) if name == "minute_usd" else amount * nano_usd
