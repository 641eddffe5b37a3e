"""Our sessions talk to a Realtime server that others wrote, as `aimock_host` tells.

Where aimock 1.43.0 is not as OpenAI's protocol, our sessions get along with it:

- Whatever modality is asked for, it answers in text.
- `response.function_call_arguments.done` has no name; the call is known by its item.
- `response.cancel` is read when the response is over, answered by `response.cancelled`, and cancels nothing.
- A second `response.create` waits for the first response instead of being refused.
- Truncating and deleting items, and types that it does not know, are passed over in silence.
- `input_audio_buffer.committed` names no item, and no item is added.
- `conversation.item.added` comes without `.done` for what we add, `.done` without `.added` for what it adds.
- Usage is three totals, all zero; an `error` names no event.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimock_host import HELLO, Wire, aimock, custom, fixture, talking
from realtime_stage import CLOCK, TOCK
from speakerd.core.events import ResponseCreated, ResponseEnded, SessionClosed, ToolCalled
from speakerd.core.events import Transcribed as Said
from speakerd.core.usage import Usage
from speakerd.ports import ToolSpec

LIGHT = ToolSpec(
    "set_light",
    "Switches a light.",
    {"type": "object", "properties": {"room": {"type": "string"}, "on": {"type": "boolean"}}, "required": ["room"]},
)
SWITCH: Wire = {"name": "set_light", "arguments": {"room": "kitchen", "on": True}, "id": "call_1"}


def before_and_after(user: str, calls: Wire, output: str, answer: str) -> list[Wire]:
    """Calls for what the user says; and the answer, given only when the last thing told is this output."""
    return [
        {"match": {"userMessage": user, "toolResultContains": output}, "response": {"content": answer}},
        {"match": {"userMessage": user, "hasToolResult": False}, "response": calls},
    ]


async def test_the_set_up_is_taken_as_we_meant_it(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(custom(server.url), [LIGHT, CLOCK]) as talk:
        await talk.opened()
        (updated,) = talk.received("session.updated")
        session = updated["session"]
        assert (session["type"], session["model"]) == ("realtime", "gpt-realtime-2.1")
        assert session["instructions"] == "Be brief."
        assert [(tool["type"], tool["name"]) for tool in session["tools"]] == [
            ("function", "clock"),
            ("function", "set_light"),
        ]
        heard, spoken = session["audio"]["input"], session["audio"]["output"]
        assert heard["format"] == spoken["format"] == {"type": "audio/pcm", "rate": 24000}
        assert (spoken["voice"], heard["noise_reduction"]) == ("marin", {"type": "far_field"})
        assert heard["turn_detection"]["type"] == "semantic_vad"
        assert heard["transcription"] == {"model": "gpt-transcribe"}


async def test_a_text_turn(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        assert await talk.answered("hello") == "Good morning to you."
        (created,) = talk.of(ResponseCreated)
        (ended,) = talk.of(ResponseEnded)
        assert created.response_id == ended.response_id
        (conversation,) = await server.understood()
        assert [(message["role"], text_of(message)) for message in conversation] == [
            ("system", "Be brief."),
            ("user", "hello"),
        ]


def text_of(message: Wire) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content or ())


async def test_a_function_call_and_the_answer_that_needs_its_output(tmp_path: Path) -> None:
    story = before_and_after("kitchen", {"toolCalls": [SWITCH]}, "The light is on.", "It shines.")
    async with aimock(tmp_path, *story) as server, talking(custom(server.url), [LIGHT]) as talk:
        await talk.opened()
        talk.ask("light in the kitchen")
        call = await talk.until(ToolCalled)
        assert (call.call_id, call.name) == ("call_1", "set_light")
        assert json.loads(call.arguments) == {"room": "kitchen", "on": True}
        await talk.until(ResponseEnded)
        talk.sessions.send_tool_output(1, call.call_id, "The light is on.")
        talk.sessions.create_response(1)
        await talk.until(ResponseEnded)
        assert talk.of(Said)[-1].text == "It shines."
        assert talk.of(ToolCalled) == [call], "once, although the call is sent three times"
        told = (await server.understood())[-1]
        assert [message["role"] for message in told] == ["system", "user", "assistant", "tool"]
        assert (told[-1]["tool_call_id"], told[-1]["content"]) == ("call_1", "The light is on.")


@pytest.mark.parametrize(
    "response",
    [
        {"content": "One moment.", "toolCalls": [SWITCH, {**SWITCH, "id": "call_2"}]},
        {
            "blocks": [
                {"type": "toolCall", **SWITCH},
                {"type": "text", "text": "One moment."},
                {"type": "toolCall", **SWITCH, "id": "call_2"},
            ]
        },
    ],
    ids=["words first", "words between"],
)
async def test_words_and_several_calls_in_one_response(tmp_path: Path, response: Wire) -> None:
    story = before_and_after("kitchen", response, "two", "Both shine.")
    async with aimock(tmp_path, *story) as server, talking(custom(server.url), [LIGHT]) as talk:
        await talk.opened()
        talk.ask("both lights in the kitchen")
        ended = await talk.until(ResponseEnded)
        assert [call.call_id for call in talk.of(ToolCalled)] == ["call_1", "call_2"]
        assert {call.response_id for call in talk.of(ToolCalled)} == {ended.response_id}
        assert [said.text for said in talk.of(Said)] == ["One moment."]
        for call_id, output in (("call_1", "one"), ("call_2", "two")):
            talk.sessions.send_tool_output(1, call_id, output)
        talk.sessions.create_response(1)
        await talk.until(ResponseEnded)
        assert talk.of(Said)[-1].text == "Both shine."


async def test_two_turns_share_a_conversation_and_two_sessions_do_not(tmp_path: Path) -> None:
    later = fixture("again", {"content": "As I said."})
    async with aimock(tmp_path, HELLO, later) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        assert await talk.answered("hello") == "Good morning to you."
        assert await talk.answered("and again") == "As I said."
        await talk.opened(2)
        assert await talk.answered("again", session=2) == "As I said."
        first, second, other = await server.understood()
        assert second[: len(first)] == first
        assert [text_of(message) for message in second[len(first) :]] == ["Good morning to you.", "and again"]
        assert [text_of(message) for message in other] == ["Be brief.", "again"]


async def test_a_cancelled_response_calls_nothing_and_the_next_turn_is_answered(tmp_path: Path) -> None:
    slow = fixture("kitchen", {"toolCalls": [SWITCH]}, latency=20, chunkSize=1)
    async with aimock(tmp_path, slow, HELLO) as server, talking(custom(server.url), [LIGHT]) as talk:
        await talk.opened()
        talk.ask("light in the kitchen")
        created = await talk.until(ResponseCreated)
        talk.sessions.cancel_response(1, created.response_id)
        assert (await talk.until(ResponseEnded)).response_id == created.response_id
        assert talk.of(ToolCalled) == []
        assert await talk.answered("hello") == "Good morning to you."
        assert talk.received("response.cancelled")


async def test_a_session_that_is_closed_in_an_answer_tells_nothing_more(tmp_path: Path) -> None:
    # The first answer is over while the closed session still lingers, and before the second one.
    story = fixture("story", {"content": "Once upon a time."}, latency=1, chunkSize=1)
    async with aimock(tmp_path, story, {**HELLO, "latency": 90}) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        talk.ask("a story")
        await talk.until(ResponseCreated)
        talk.sessions.close(1)
        told = len(talk.happened)
        await talk.opened(2)
        assert await talk.answered("hello", session=2) == "Good morning to you."
        assert {event.session for event in talk.happened[told:]} == {2}  # type: ignore[union-attr]


async def test_a_second_request_waits_for_the_first_answer(tmp_path: Path) -> None:
    slow = {**HELLO, "latency": 10, "chunkSize": 1}
    async with aimock(tmp_path, slow) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        talk.ask("hello")
        talk.sessions.create_response(1)
        ended = [await talk.until(ResponseEnded), await talk.until(ResponseEnded)]
        assert [each.response_id for each in ended] == [each.response_id for each in talk.of(ResponseCreated)]
        assert [said.text for said in talk.of(Said)] == ["Good morning to you."] * 2


async def test_what_was_said_goes_on_in_another_session(tmp_path: Path) -> None:
    cut_off = fixture("story", {"content": "Once upon a time."}, truncateAfterChunks=3, chunkSize=5)
    light = before_and_after("kitchen", {"toolCalls": [SWITCH]}, "The light is on.", "It shines.")
    again = fixture("again", {"content": "Good night."})
    async with aimock(tmp_path, HELLO, *light, cut_off, again) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        await talk.answered("hello")
        talk.ask("light in the kitchen")
        await talk.until(ResponseEnded)
        talk.sessions.send_tool_output(1, "call_1", "The light is on.")
        talk.sessions.create_response(1)
        await talk.until(ResponseEnded)
        talk.ask("a story")
        await talk.until(SessionClosed)
        *_, before = await server.understood()
        await talk.opened(2, continues=1)
        assert await talk.answered("again", session=2) == "Good night."
        *_, after = await server.understood()
        assert [plain(message) for message in after[: len(before)]] == [plain(message) for message in before]
        assert plain(after[-1]) == ("user", "again", None)
        told = {text_of(message) for message in after[len(before) : -1]}
        assert all("Once upon a tim".startswith(text) for text in told), "at most what had arrived"


def plain(message: Wire) -> tuple[str, str, Any]:
    """What a message says, however it was written."""
    return message["role"], text_of(message), message.get("tool_calls") or message.get("tool_call_id")


async def test_facts_stand_beside_the_question(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(custom(server.url), facts="It is noon.") as talk:
        await talk.opened()
        talk.sessions.tell_facts(1)
        assert await talk.answered("hello") == "Good morning to you."
        talk.sessions.forget_facts(1)
        assert await talk.answered("hello") == "Good morning to you."
        (first, _) = await server.understood()
        assert [(message["role"], text_of(message)) for message in first] == [
            ("system", "Be brief."),
            ("system", "It is noon."),
            ("user", "hello"),
        ]


async def test_an_answer_is_resumed_by_instructions_and_written_by_modality(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        await talk.answered("hello")
        talk.sessions.create_response(1, resume=True)
        await talk.until(ResponseEnded)
        talk.sessions.create_response(1, aloud=False)
        await talk.until(ResponseEnded)
        usual, resuming, written = [text_of(conversation[0]) for conversation in await server.understood()]
        assert talk.sent("response.create")[-1]["response"] == {"output_modalities": ["text"]}
        assert usual == written == "Be brief."
        assert resuming.startswith("Be brief.")
        assert len(resuming) > len("Be brief.")


async def test_each_response_is_booked_once(tmp_path: Path) -> None:
    call = fixture("kitchen", {"toolCalls": [SWITCH]})
    async with aimock(tmp_path, HELLO, call) as server, talking(custom(server.url), [LIGHT]) as talk:
        await talk.opened()
        await talk.answered("hello")
        talk.ask("kitchen")
        await talk.until(ResponseEnded)
        assert [(each.response_id, each.tools, each.usage) for each in talk.billed] == [
            (talk.of(ResponseEnded)[0].response_id, (), Usage()),
            (talk.of(ResponseEnded)[1].response_id, ("set_light",), Usage()),
        ]


async def test_audio_and_what_it_passes_over_do_no_harm(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(replace(custom(server.url), turns=None)) as talk:
        await talk.opened()
        assert talk.received("session.updated")[0]["session"]["audio"]["input"]["turn_detection"] is None
        for _ in range(5):
            talk.sessions.append_audio(1, TOCK)
        talk.sessions.commit_utterance(1)
        talk.sessions.truncate(1, "item_of_no_one", 100)
        talk.sessions.delete_item(1, "item_of_no_one")
        assert await talk.answered("hello") == "Good morning to you."
        assert talk.received("input_audio_buffer.committed")
