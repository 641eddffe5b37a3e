"""The tools of every speaker, put together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from speakerd.ports import Post
from speakerd.tools.alarm_tools import alarm_tools, ringing_tools
from speakerd.tools.alarms import Alarms
from speakerd.tools.bells import Bells
from speakerd.tools.clock import clock_tools, local_now
from speakerd.tools.ending import ending_tool
from speakerd.tools.home import DemoHome
from speakerd.tools.speech import Everywhere, LastWords, speech_tools
from speakerd.tools.spending import Spending, spending_tool
from speakerd.tools.timer_tools import timer_tools
from speakerd.tools.timers import Scheduler, Timers
from speakerd.tools.tool import Tool
from speakerd.tools.volume import volume_tools


@dataclass(frozen=True, slots=True)
class Kept:
    """What rings and what was said, which tools ask for."""

    timers: Timers
    alarms: Alarms
    bells: Bells
    last_words: LastWords

    @property
    def observers(self) -> tuple[Bells, LastWords]:
        """Those that must be told of each event of the loop."""
        return self.bells, self.last_words


def kept_in(folder: Path, post: Post, scheduler: Scheduler, wall_clock: Callable[[], float] = time.time) -> Kept:
    """Timers and alarms as they are kept in a folder."""
    timers = Timers(folder / "timers.json", post, scheduler, wall_clock)
    alarms = Alarms(folder / "alarms.json", post, scheduler, wall_clock)
    return Kept(timers, alarms, Bells(timers, alarms, post), LastWords())


def everyday_tools(
    kept: Kept,
    post: Post,
    volume: Callable[[], float],
    set_volume: Callable[[float], None],
    *,
    home: DemoHome | None = None,
    spending: Callable[[], Spending] | None = None,
    now: Callable[[], datetime] = local_now,
    everywhere: Everywhere | None = None,
) -> list[Tool]:
    """Clock, timers, alarms, volume, announcements and the end of the conversation.

    The lights of a pretended home if there is one, and what was spent if that is known. `everywhere` reaches the other
    speakers of the home.
    """
    tools = [*clock_tools(now), *timer_tools(kept.timers), *alarm_tools(kept.alarms), *ringing_tools(kept.bells)]
    tools += [*volume_tools(volume, set_volume), *speech_tools(post, kept.last_words, everywhere), ending_tool()]
    tools += [spending_tool(spending)] if spending else []
    return tools + home.tools() if home else tools
