"""What a recorded afternoon costs in tokens of sound: with our speaker, and with the ways of other programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench.session_kitchen import Bill
from bench.session_others import HABITS, others
from bench.session_ours import WAYS, ours
from bench.session_talk import recorded
from fast_loop import run_fast

Live = Callable[[Path], Coroutine[Any, Any, Bill]]
"""Lives through the afternoon, given a place for a socket."""


def tokens(folder: Path, count: int, deadline: float) -> dict[str, Any]:
    """The bills of so many ways, the most telling first; fewer after the deadline."""
    talk = recorded()
    ways: dict[str, Live] = {
        **{name: partial(ours, talk, WAYS[name]) for name in ("saving", "plain")},
        **{name: partial(others, talk, HABITS[name]) for name in ("billy", "openai_agents")},
        **{name: partial(ours, talk, way) for name, way in WAYS.items() if way.finds_turns},
    }
    bills: dict[str, Any] = {}
    for name, live in list(ways.items())[:count]:
        if bills and time.monotonic() > deadline:
            break
        bills[name] = asdict(run_fast(live(folder / name.replace(" ", "-"))))
    return {"bills": bills, "questions": len(talk.questions), "minutes": talk.seconds / 60}
