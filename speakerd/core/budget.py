"""The owner's limits on what endpoints cost, and when they are reached. All amounts are billionths of a US dollar."""

from __future__ import annotations

from dataclasses import dataclass

from speakerd.core.events import Spent

_NANO_PER_CENT = 10_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent; 0 means any amount."""

    day_warning_nano_usd: int = 0
    """From here on the owner is told, once a day."""
    day_cap_nano_usd: int = 0
    month_cap_nano_usd: int = 0
    conversation_cap_nano_usd: int = 0


def cap_reached(budget: Budget, spent: Spent | None) -> str | None:
    """The limit past which no session is opened that costs anything, with its day or month; None while there is none.

    An amount that is spent exactly is spent.
    """
    if spent is None:
        return None
    if 0 < budget.month_cap_nano_usd <= spent.month_nano_usd:
        return f"month {spent.day[:7]}"
    if 0 < budget.day_cap_nano_usd <= spent.today_nano_usd:
        return f"day {spent.day}"
    return None


def conversation_cap_reached(budget: Budget, spent: Spent | None) -> bool:
    """Whether the conversation of what was spent last may not go on."""
    return spent is not None and 0 < budget.conversation_cap_nano_usd <= spent.conversation_nano_usd


def warning_reached(budget: Budget, spent: Spent) -> str | None:
    """The soft limit, with its day, once it is reached; None before."""
    return f"warning {spent.day}" if 0 < budget.day_warning_nano_usd <= spent.today_nano_usd else None


def spoken_usd(nano_usd: int) -> str:
    """An amount as it is spoken: "1 dollar and 5 cents", "40 cents"."""
    dollars, cents = divmod(round(nano_usd / _NANO_PER_CENT), 100)
    spoken = [_counted(dollars, "dollar")] if dollars else []
    if cents or not dollars:
        spoken.append(_counted(cents, "cent"))
    return " and ".join(spoken)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
