"""What the doctor found of one part, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part."""

    part: str
    state: Literal["ok", "failed", "skipped"]
    text: str
    """What it is, what to do, or why it was not tried."""


def line(finding: Finding) -> str:
    """A finding as a person reads it: a failure is the sentence that says what to do."""
    state = "" if finding.state == "failed" else f"{finding.state}: "
    return f"{finding.part:<16} {state}{finding.text}"
