"""The tools of every speaker, put together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from speakerd.tools.clock import clock_tools, local_now
from speakerd.tools.ending import ending_tool
from speakerd.tools.home import DemoHome
from speakerd.tools.spending import Spending, spending_tool
from speakerd.tools.timer_tools import timer_tools
from speakerd.tools.timers import Timers
from speakerd.tools.tool import Tool
from speakerd.tools.volume import volume_tools


def everyday_tools(
    timers: Timers,
    volume: Callable[[], float],
    set_volume: Callable[[float], None],
    *,
    home: DemoHome | None = None,
    spending: Callable[[], Spending] | None = None,
    now: Callable[[], datetime] = local_now,
) -> list[Tool]:
    """Clock, timers, volume and the end of the conversation.

    The lights of a pretended home if there is one, and what was spent if that is known.
    """
    tools = [*clock_tools(now), *timer_tools(timers), *volume_tools(volume, set_volume), ending_tool()]
    tools += [spending_tool(spending)] if spending else []
    return tools + home.tools() if home else tools
