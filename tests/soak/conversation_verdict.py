"""Whether long conversations went on over the ends of their sessions as if there were none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CODE_WORD = "zebra"


@dataclass(frozen=True, slots=True)
class Lived:
    """What both sides saw of one conversation."""

    said: Sequence[str]
    """What the user said, one thing after the other."""
    heard: Sequence[str]
    """What the server understood of it, in all of its sessions."""
    retold: Sequence[str]
    """What each session but the first was told of those before, all in one."""
    answers: int
    """Answers that the user heard to their ends."""
    most_active: int
    """Most responses that were active at once."""
    ended_early: bool
    """The speaker gave up, or fell asleep, while the user still talked."""
    booked_nano_usd: int
    """What our ledger says that it cost."""
    billed_nano_usd: int
    """What the server counted."""
    unforeseen: Sequence[str] = ()
    """What we logged as a warning or worse that no end of a session explains."""


def wrong(lived: Lived) -> list[str]:
    """What is wrong with it, one sentence each."""
    found = [f'The server never understood "{words}".' for words in _missing(lived)]
    if not lived.retold:
        found.append("No session followed on another.")
    for number, words in enumerate(lived.retold, 2):
        if CODE_WORD not in words.split():
            found.append(f"Session {number} was not told the code word.")
    if lived.answers < len(lived.said):
        found.append(f"Of {len(lived.said)} answers {lived.answers} were heard.")
    if lived.most_active > 1:
        found.append(f"{lived.most_active} responses were active at once.")
    if lived.ended_early:
        found.append("The conversation ended while the user still talked.")
    if lived.booked_nano_usd != lived.billed_nano_usd:
        found.append(f"{lived.booked_nano_usd} n$ were booked and {lived.billed_nano_usd} n$ billed.")
    return found + [f"Unforeseen: {line}" for line in lived.unforeseen]


def _missing(lived: Lived) -> list[str]:
    """What was said and not understood at its place; what is understood twice has cost something and is not lost."""
    heard = iter(lived.heard)
    missing = []
    for words in lived.said:
        rest = list(heard)
        if words in rest:
            rest = rest[rest.index(words) + 1 :]
        else:
            missing.append(words)
        heard = iter(rest)
    return missing
