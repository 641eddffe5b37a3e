"""Lets the model end the conversation. The core acts on the call itself and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping

from speakerd.core.state import END_CONVERSATION
from speakerd.ports import ToolSpec
from speakerd.tools.tool import Tool, parameters


def ending_tool() -> Tool:
    """The tool named END_CONVERSATION."""

    async def end(_: Mapping[str, object]) -> str:
        return "Goodbye."

    description = (
        "End the conversation when the user says goodbye or needs nothing more. "
        "Say a short goodbye in the same response."
    )
    return Tool(ToolSpec(END_CONVERSATION, description, parameters(), _PHRASES), end)


_PHRASES = (
    "(goodbye|good bye|bye|bye bye|good night)",
    "[no] (thanks|thank you) [(goodbye|bye)]",
    "[no] [(thanks|thank you)] (that's|that is|that will be) (all|it|everything) [(thanks|thank you)]",
    "never mind",
    "(stop|stop listening|be quiet|go to sleep)",
)
