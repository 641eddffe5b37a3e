"""OpenAI's Agents SDK for JavaScript runs a voice agent with a tool on the real offline assistant."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from node import NODE, PACKAGES
from offline_host import offline_assistant, spoken
from validation import check_server_event

Wire = dict[str, Any]


async def agent_events(voice: bytes) -> list[Wire]:
    """What the agent heard of the server, and its summary."""
    pipe = asyncio.subprocess.PIPE
    async with offline_assistant() as url:
        command = [str(NODE), str(PACKAGES / "agent.mjs"), f"{url}?model=offline"]
        environment = {**os.environ, "OPENAI_AGENTS_DISABLE_TRACING": "1"}
        agent = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment)
        try:
            async with asyncio.timeout(60):
                printed, _ = await agent.communicate(voice)
        finally:
            if agent.returncode is None:
                agent.kill()
                await agent.wait()
    assert agent.returncode == 0
    return [json.loads(line) for line in printed.splitlines()]


async def test_a_voice_a_tool_an_interruption_and_a_text() -> None:
    *events, summary = await agent_events(spoken("what time is it"))
    for event in events:
        check_server_event(event)
    errors = {event["error"]["code"] for event in events if event["type"] == "error"}
    assert errors <= {"response_cancel_not_active"}, "the offline assistant may have been faster than the agent"
    (truncated,) = [event for event in events if event["type"] == "conversation.item.truncated"]
    first, interrupted, last = summary["audioBytes"].values()
    assert min(first, last) > 24_000
    assert truncated["audio_end_ms"] * 48 <= interrupted
    calls = [item for item in summary["history"] if item["type"] == "function_call"]
    assert [call["output"] for call in calls] == ["It is half past nine."] * 2
