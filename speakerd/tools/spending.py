"""Tells what conversations have cost; whoever keeps the ledger is given as a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from speakerd.core.budget import spoken_usd
from speakerd.ports import ToolSpec
from speakerd.tools.tool import Tool, parameters

_NANO_PER_HALF_CENT = 5_000_000


class Spending(Protocol):
    """What was spent until now, in billionths of a US dollar."""

    @property
    def today_nano_usd(self) -> int:
        """Since midnight."""

    @property
    def month_nano_usd(self) -> int:
        """Since the first of the month."""

    @property
    def counts_since(self) -> str:
        """Empty if all of the month is known."""


def spending_tool(spending: Callable[[], Spending]) -> Tool:
    """`get_cost`."""

    async def tell(_: Mapping[str, object]) -> str:
        now = spending()
        unknown = " There may have been more: part of this month's ledger was damaged." if now.counts_since else ""
        if not now.month_nano_usd:
            return f"Nothing has been spent this month.{unknown}"
        return f"Today has cost {_spoken(now.today_nano_usd)}, and this month {_spoken(now.month_nano_usd)}.{unknown}"

    description = "Tell how much money the conversations of today and of this month have cost."
    return Tool(ToolSpec("get_cost", description, parameters(), _PHRASES), tell)


def _spoken(nano_usd: int) -> str:
    if not nano_usd:
        return "nothing"
    return "less than one cent" if nano_usd < _NANO_PER_HALF_CENT else spoken_usd(nano_usd)


_PHRASES = (
    "what (did|does|has) (this|that|it) cost [me] [(today|this month)]",
    "how much (did|does|has) (this|that|it) cost [me] [(today|this month)]",
    "how much (money have|have) (i|we|you) spent [(today|this month)]",
    "what have (i|we|you) spent [(today|this month)]",
)
