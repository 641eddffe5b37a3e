"""OpenAI's Agents SDK runs a voice agent with a tool on the real offline assistant."""

from __future__ import annotations

import asyncio

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner, RealtimeSession

from offline_host import frames, offline_assistant, spoken
from validation import check_server_event

called: list[str] = []


@function_tool
def get_time() -> str:
    """Tells the time."""
    called.append("get_time")
    return "It is half past nine."


get_time.params_json_schema["x-phrases"] = ["what time is it"]


async def spoken_answer(session: RealtimeSession) -> bytes:
    """The audio up to the end of the first answer that has any."""
    audio = bytearray()
    async with asyncio.timeout(60):
        async for event in session:
            assert event.type != "error", event
            if event.type == "audio":
                audio += event.audio.data
            if event.type == "audio_end":
                break
            if event.type == "raw_model_event" and event.data.type == "raw_server_event":
                check_server_event(event.data.data)
    return bytes(audio)


async def test_a_spoken_turn_with_a_tool() -> None:
    set_tracing_disabled(True)
    called.clear()
    agent = RealtimeAgent(name="speaker", instructions="Be brief.", tools=[get_time])
    async with offline_assistant() as url:
        runner = RealtimeRunner(agent, config={"tracing_disabled": True})
        config = {"api_key": "none", "url": f"{url}?model=offline"}
        async with await runner.run(model_config=config) as session:  # type: ignore[arg-type]
            for frame in frames(spoken("what time is it")):
                await session.send_audio(frame)
            audio = await spoken_answer(session)
    assert called == ["get_time"]
    assert len(audio) > 24_000
    assert any(audio)
