"""Garbage is looked for when a conversation has ended, and seldom before."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from speakerd.core.events import CardFound
from speakerd.core.state import Idle, Opening, Phase, Rules, State
from speakerd.garbage import collect_after_talks, collect_seldom


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


class Circle:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


OPENING, IDLE = Opening(1, 1), Idle()


@pytest.mark.parametrize(
    ("before", "after", "is_left"),
    [(OPENING, IDLE, False), (IDLE, IDLE, True), (IDLE, OPENING, True), (OPENING, OPENING, True)],
)
def test_what_a_conversation_leaves_behind_goes_with_its_end(before: Phase, after: Phase, is_left: bool) -> None:
    collect_seldom()
    left = weakref.ref(Circle())
    collect_after_talks(CardFound(), State(Rules(), phase=before), State(Rules(), phase=after))
    assert (left() is not None) == is_left
    gc.collect()
