"""Draws the phases from the code: every transition that the walk finds, by event, as a Mermaid state diagram."""

from __future__ import annotations

import sys

from speakerd.core.step import step
from test_core_walk import RULES, WALKS, sensible, walk


def diagram() -> str:
    """The lines between the fences."""
    arrows: dict[tuple[str, str], set[str]] = {}
    for events in WALKS.values():
        for state, world in walk(RULES, events):
            for event in events:
                after, _ = step(state, event)
                here, there = type(state.phase).__name__, type(after.phase).__name__
                if here != there and sensible(state, event, world):
                    arrows.setdefault((here, there), set()).add(type(event).__name__)
    lines = [f"    {here} --> {there}: {', '.join(sorted(names))}" for (here, there), names in sorted(arrows.items())]
    return "\n".join(["stateDiagram-v2", "    [*] --> Idle", *lines])


if __name__ == "__main__":
    sys.stdout.write(f"```mermaid\n{diagram()}\n```\n")
