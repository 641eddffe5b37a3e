"""The official SDK holds conversations with the real offline assistant, and every event is what its types say."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from offline_host import TIME_TOOL, frames, offline_assistant, spoken
from validation import check_server_event

Wire = dict[str, Any]


@dataclass
class Talk:
    """A session of the SDK whose every event is checked."""

    connection: AsyncRealtimeConnection
    events: list[Wire] = field(default_factory=list)

    async def until(self, kind: str) -> Wire:
        """Read up to the next event of this type."""
        async with asyncio.timeout(60):
            while True:
                raw = await self.connection.recv_bytes()
                event: Wire = json.loads(raw)
                check_server_event(event)
                assert self.connection.parse_event(raw).type == event["type"]
                self.events.append(event)
                if event["type"] == kind:
                    return event
                assert event["type"] != "error", event

    async def configure(self, **fields: Any) -> None:
        await self.connection.session.update(session={"type": "realtime", **fields})  # type: ignore[arg-type]
        await self.until("session.updated")

    async def say(self, text: str) -> None:
        for frame in frames(spoken(text)):
            await self.connection.input_audio_buffer.append(audio=base64.b64encode(frame).decode())

    async def write(self, text: str) -> Wire:
        """The item of a text message."""
        content: list[Any] = [{"type": "input_text", "text": text}]
        await self.connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        return dict((await self.until("conversation.item.done"))["item"])

    async def answer(self) -> Wire:
        """The next response, complete."""
        return dict((await self.until("response.done"))["response"])

    def audio_of(self, item_id: str) -> bytes:
        deltas = [each for each in self.events if each["type"] == "response.output_audio.delta"]
        return b"".join(base64.b64decode(each["delta"]) for each in deltas if each["item_id"] == item_id)


@asynccontextmanager
async def talking() -> AsyncIterator[Talk]:
    async with offline_assistant() as url:
        base_url = url.removesuffix("/realtime")
        async with (
            AsyncOpenAI(api_key="none", base_url="http://127.0.0.1:9", websocket_base_url=base_url) as client,
            client.realtime.connect(model="offline") as connection,
        ):
            talk = Talk(connection)
            await talk.until("session.created")
            yield talk


async def test_a_spoken_conversation_with_a_function_call() -> None:
    async with talking() as talk:
        await talk.configure(
            instructions="Be brief.",
            tools=[TIME_TOOL],
            tracing="auto",
            audio={"input": {"transcription": {"model": "gpt-transcribe"}}},
        )
        await talk.say("what time is it")
        asked = await talk.answer()
        (call,) = [item for item in asked["output"] if item["type"] == "function_call"]
        assert (asked["status"], call["name"], json.loads(call["arguments"])) == ("completed", "get_time", {})
        transcripts = [each for each in talk.events if each["type"].endswith("input_audio_transcription.completed")]
        assert [each["transcript"] for each in transcripts] == ["what time is it"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "It is half past nine."}
        await talk.connection.conversation.item.create(item=output)  # type: ignore[arg-type]
        await talk.connection.response.create()
        told = await talk.answer()
        (message,) = told["output"]
        assert "half past nine" in message["content"][0]["transcript"].lower()
        audio = talk.audio_of(message["id"])
        assert len(audio) > 24_000
        assert any(audio)
        assert told["usage"]["output_token_details"]["audio_tokens"] > 10
        assert told["usage"]["input_token_details"]["audio_tokens"] > 10


async def test_text_in_text_out_then_truncate_retrieve_delete() -> None:
    async with talking() as talk:
        await talk.configure(tools=[TIME_TOOL])
        first = await talk.write("what time is it")
        await talk.connection.response.create(response={"output_modalities": ["text"], "metadata": {"topic": "time"}})
        response = await talk.answer()
        assert response["metadata"] == {"topic": "time"}
        assert [item["type"] for item in response["output"]] == ["function_call"]

        await talk.write("how do you do")
        await talk.connection.response.create()
        (message,) = (await talk.answer())["output"]
        received_ms = len(talk.audio_of(message["id"])) // 48
        await talk.connection.conversation.item.truncate(
            item_id=message["id"], content_index=0, audio_end_ms=received_ms // 2
        )
        assert (await talk.until("conversation.item.truncated"))["audio_end_ms"] == received_ms // 2
        await talk.connection.conversation.item.retrieve(item_id=message["id"])
        (content,) = (await talk.until("conversation.item.retrieved"))["item"]["content"]
        assert len(base64.b64decode(content["audio"])) == received_ms // 2 * 48
        assert "transcript" not in content

        await talk.connection.conversation.item.delete(item_id=first["id"])
        assert (await talk.until("conversation.item.deleted"))["item_id"] == first["id"]


async def test_push_to_talk_and_cancel() -> None:
    async with talking() as talk:
        await talk.configure(tools=[TIME_TOOL], audio={"input": {"turn_detection": None}})
        await talk.say("what time is it")
        await talk.connection.input_audio_buffer.commit()
        item_id = (await talk.until("input_audio_buffer.committed"))["item_id"]
        assert (await talk.until("conversation.item.done"))["item"]["id"] == item_id
        # The words are not yet recognised when the response is cancelled.
        await talk.connection.response.create()
        await talk.connection.response.cancel()
        assert (await talk.answer())["status_details"]["reason"] == "client_cancelled"
        await talk.connection.response.create()
        assert [item["type"] for item in (await talk.answer())["output"]] == ["function_call"]
        assert "input_audio_buffer.speech_started" not in [event["type"] for event in talk.events]
