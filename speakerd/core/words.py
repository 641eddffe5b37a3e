"""What the wake words do, as the owner set them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Talk:
    """Begin a conversation, or interrupt the answer: it is the user's turn."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End ringing, and the conversation while an answer sounds or is awaited; open nothing."""


@dataclass(frozen=True, slots=True)
class CallTool:
    """Run a tool at once, without a conversation or beside it."""

    name: str
    arguments: str
    """A JSON object."""
    texts: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """What a policy looks at in the arguments; see events.ToolCalled."""


Action = Talk | Stop | CallTool


@dataclass(frozen=True, slots=True)
class WordAction:
    """What one wake word does."""

    word: str
    action: Action
