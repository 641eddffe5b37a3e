"""How long to wait before a server is tried again; pure."""

from __future__ import annotations

SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
_GOOD_SECONDS = 60.0
"""A connection that held for so long was a good one."""


def next_wait_seconds(last_seconds: float, held_seconds: float) -> float:
    """The wait after a connection that held for so long; `last_seconds` is the one before it, 0 at first."""
    if held_seconds >= _GOOD_SECONDS:
        return SHORTEST_SECONDS
    return min(LONGEST_SECONDS, max(SHORTEST_SECONDS, 2 * last_seconds))
