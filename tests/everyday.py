"""The everyday tools as a model sees them, for tests in which no time passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from speakerd.ledger.ledger import Standing
from speakerd.ports import ToolSpec
from speakerd.tools.everyday import everyday_tools
from speakerd.tools.home import DemoHome
from speakerd.tools.timers import Handle, Timers


class NoTime:
    """A scheduler for timers that are never set."""

    def time(self) -> float:
        raise AssertionError("no timer is set here")

    def call_at(self, when: float, callback: Callable[[int], None], number: int, /) -> Handle:
        raise AssertionError("no timer is set here")


def everyday_specs() -> list[ToolSpec]:
    timers = Timers(Path("/nonexistent/timers.json"), lambda _: None, NoTime())
    home, standing = DemoHome(), Standing("2026-11-26", 0, 0)
    tools = everyday_tools(timers, lambda: 0.5, lambda _: None, home=home, spending=lambda: standing)
    return [tool.spec for tool in tools]
