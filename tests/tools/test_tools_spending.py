"""What the assistant says of money."""

from __future__ import annotations

import pytest

from speakerd.ledger.ledger import Standing
from speakerd.tools.spending import spending_tool

CENT = 10_000_000
UNKNOWN = "There may have been more: part of this month's ledger was damaged."


@pytest.mark.parametrize(
    ("today", "month", "since", "said"),
    [
        (0, 0, "", "Nothing has been spent this month."),
        (0, 12 * CENT, "", "Today has cost nothing, and this month 12 cents."),
        (1, 1, "", "Today has cost less than one cent, and this month less than one cent."),
        (CENT // 2 - 1, 140 * CENT, "", "Today has cost less than one cent, and this month 1 dollar and 40 cents."),
        (CENT, 300 * CENT, "", "Today has cost 1 cent, and this month 3 dollars."),
        (0, 0, "2026-11-26", f"Nothing has been spent this month. {UNKNOWN}"),
        (CENT, 2 * CENT, "2026-11-26", f"Today has cost 1 cent, and this month 2 cents. {UNKNOWN}"),
    ],
)
async def test_what_is_said(today: int, month: int, since: str, said: str) -> None:
    assert await spending_tool(lambda: Standing("2026-11-26", today, month, since)).run({}) == said
