"""Draws the phases from the code: every transition that the walk finds, by event, as a Mermaid state diagram."""

from __future__ import annotations

import sys

from speakerd.core.step import step
from test_core_walk import WALKED, WALKS, sensible, walked


def diagram() -> str:
    """The lines between the fences."""
    arrows: dict[tuple[str, str], set[str]] = {}
    for rules, which in WALKED:
        for state, world in walked(rules, which):
            for event in WALKS[which]:
                after, _ = step(state, event)
                here, there = type(state.phase).__name__, type(after.phase).__name__
                if here != there and sensible(state, event, world):
                    arrows.setdefault((here, there), set()).add(type(event).__name__)
    lines = [f"    {here} --> {there}: {', '.join(sorted(names))}" for (here, there), names in sorted(arrows.items())]
    return "\n".join(["stateDiagram-v2", "    [*] --> Idle", *lines])


if __name__ == "__main__":
    sys.stdout.write(f"```mermaid\n{diagram()}\n```\n")
