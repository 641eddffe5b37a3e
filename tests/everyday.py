"""The everyday tools as a model sees them, for tests in which no time passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from speakerd.ledger.ledger import Standing
from speakerd.ports import ToolSpec
from speakerd.tools.everyday import everyday_tools, kept_in
from speakerd.tools.home import DemoHome
from speakerd.tools.timers import Handle


class NoTime:
    """A scheduler for timers that are never set."""

    def time(self) -> float:
        return 0.0

    def call_at(self, when: float, callback: Callable[[int], None], number: int, /) -> Handle:
        raise AssertionError("no timer is set here")


def everyday_specs() -> list[ToolSpec]:
    kept = kept_in(Path("/nonexistent"), lambda _: None, NoTime())
    home, standing = DemoHome(), Standing("2026-11-26", 0, 0)
    tools = everyday_tools(
        kept, lambda _: None, lambda: 0.5, lambda _: None, home=home, spending=lambda: standing, everywhere=_nowhere
    )
    return [tool.spec for tool in tools]


async def _nowhere(_: str) -> None:
    raise AssertionError("nothing is announced here")
