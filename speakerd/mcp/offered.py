"""What a server offers and what it answers, as it said so; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool of a server, not yet in the form in which models know it."""

    name: str
    description: str
    schema: Mapping[str, object]
    is_read_only: bool = False
    """Whether the server says that it changes nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call."""

    text: str
    """For the model."""
    is_error: bool = False
    """Whether the tool says that it failed."""
