"""When Python looks for garbage: seldom while somebody talks, for everything waits for it, and after each conversation.

What ends a connection leaves circles behind that hold megabytes of sound and are few objects: by their number alone
they would be found after hours.
"""

from __future__ import annotations

import gc

from speakerd.core.events import Event
from speakerd.core.state import Idle, State


def collect_seldom() -> None:
    """From now on; what is there by now is never looked at again."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def collect_after_talks(_: Event, before: State, after: State) -> None:
    """An Observer: look once a conversation is over, which takes about a millisecond."""
    if isinstance(after.phase, Idle) and not isinstance(before.phase, Idle):
        gc.collect()
