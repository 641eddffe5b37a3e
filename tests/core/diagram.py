"""Draws the phases from the code: every transition that the walk finds, by event, as a Mermaid state diagram."""

from __future__ import annotations

import sys

from test_core_walk import walked
from walks import WALKED


def diagram() -> str:
    """The lines between the fences."""
    arrows: dict[tuple[str, str], set[str]] = {}
    for rules, which in WALKED:
        for here, there, event in walked(rules, which).arrows:
            arrows.setdefault((here, there), set()).add(event)
    lines = [f"    {here} --> {there}: {', '.join(sorted(names))}" for (here, there), names in sorted(arrows.items())]
    return "\n".join(["stateDiagram-v2", "    [*] --> Idle", *lines])


if __name__ == "__main__":
    sys.stdout.write(f"```mermaid\n{diagram()}\n```\n")
