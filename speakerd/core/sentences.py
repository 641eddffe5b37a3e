"""What the speaker says in its own voice when a light and a sound are not enough."""

from __future__ import annotations

from speakerd.core.budget import Budget, spoken_usd
from speakerd.core.events import Fault, Spent

GIVEN_UP: dict[Fault, str] = {
    Fault.BAD_KEY: "{name} does not accept its A P I key. Please put in a valid one, and run speaker d retry.",
    Fault.NO_CREDIT: "{name} says that there is no credit left. Please add some, and run speaker d retry.",
    Fault.REFUSED: "{name} refuses to talk with me. Please check its settings, and run speaker d retry.",
}
"""For each fault that the same endpoint would only repeat."""

CONVERSATION_CAP = "This conversation has reached its limit of {limit}."


def limit_sentence(reached: str, budget: Budget, spent: Spent, *, goes_on: bool) -> str:
    """Says that a limit of `budget` is reached; `goes_on` tells whether an endpoint is left that costs nothing."""
    kind = reached.partition(" ")[0]
    if kind == "warning":
        return f"Talking has cost {spoken_usd(spent.today_nano_usd)} today."
    limit = spoken_usd(budget.month_cap_nano_usd if kind == "month" else budget.day_cap_nano_usd)
    when = "This month's" if kind == "month" else "Today's"
    until = "next month" if kind == "month" else "tomorrow"
    rest = "I answer on my own" if goes_on else "I cannot answer"
    return f"{when} limit of {limit} is used up. {rest} until {until}."
