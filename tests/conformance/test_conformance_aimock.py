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
from pathlib import Path
from typing import Any

import pytest

from aimock_host import Talk, aimock, custom, talking
from realtime_stage import CLOCK, TOCK
from speakerd.core.events import Fault, ResponseCreated, ResponseEnded, SessionClosed, Status, Talker, ToolCalled
from speakerd.core.events import Transcribed as Said
from speakerd.ports import ToolSpec

Wire = dict[str, Any]

HELLO: Wire = {"match": {"userMessage": "hello"}, "response": {"content": "Good morning to you."}}
LIGHT = ToolSpec(
    "set_light",
    "Switches a light.",
    {"type": "object", "properties": {"room": {"type": "string"}, "on": {"type": "boolean"}}, "required": ["room"]},
)
SWITCH: Wire = {"name": "set_light", "arguments": {"room": "kitchen", "on": True}, "id": "call_1"}


def fixture(user: str, response: Wire, **more: Any) -> Wire:
    return {"match": {"userMessage": user}, "response": response, **more}


def before_and_after(user: str, calls: Wire, output: str, answer: str) -> list[Wire]:
    """Calls for what the user says; and the answer, given only when the last thing told is this output."""
    return [
        {"match": {"userMessage": user, "toolResultContains": output}, "response": {"content": answer}},
        {"match": {"userMessage": user, "hasToolResult": False}, "response": calls},
    ]


async def answered(talk: Talk, text: str, session: int = 1) -> str:
    """What the assistant says to a text."""
    talk.ask(text, session)
    assert (await talk.until(ResponseEnded)).status is Status.COMPLETED
    said = talk.of(Said)[-1]
    assert (said.session, said.talker) == (session, Talker.ASSISTANT)
    return said.text


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
        assert await answered(talk, "hello") == "Good morning to you."
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
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


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
        assert await answered(talk, "hello") == "Good morning to you."
        assert await answered(talk, "and again") == "As I said."
        await talk.opened(2)
        assert await answered(talk, "again", session=2) == "As I said."
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
        assert await answered(talk, "hello") == "Good morning to you."
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
        assert await answered(talk, "hello", session=2) == "Good morning to you."
        assert {event.session for event in talk.happened[told:]} == {2}  # type: ignore[union-attr]


async def test_audio_and_what_it_passes_over_do_no_harm(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(custom(server.url), finds_turns=False) as talk:
        await talk.opened()
        assert talk.received("session.updated")[0]["session"]["audio"]["input"]["turn_detection"] is None
        for _ in range(5):
            talk.sessions.append_audio(1, TOCK)
        talk.sessions.commit_utterance(1)
        talk.sessions.truncate(1, "item_of_no_one", 100)
        talk.sessions.delete_item(1, "item_of_no_one")
        assert await answered(talk, "hello") == "Good morning to you."
        assert talk.received("input_audio_buffer.committed")


def fails_with(kind: str, code: str) -> Wire:
    return fixture("hello", {"error": {"message": "no", "type": kind, "code": code}, "status": 400})


@pytest.mark.parametrize(
    ("failing", "fault"),
    [
        (fails_with("insufficient_quota", "insufficient_quota"), Fault.NO_CREDIT),
        (fails_with("invalid_request_error", "invalid_api_key"), Fault.BAD_KEY),
        (fails_with("requests", "rate_limit_exceeded"), Fault.SERVER_ERROR),
        (fails_with("server_error", "server_error"), Fault.SERVER_ERROR),
        (fixture("other", {"content": "no answer to hello"}), Fault.SERVER_ERROR),
    ],
    ids=["quota", "key", "rate", "server", "nothing matches"],
)
async def test_a_response_that_fails(tmp_path: Path, failing: Wire, fault: Fault) -> None:
    well = fixture("well", {"content": "Well."})
    async with aimock(tmp_path, failing, well) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        talk.ask("hello")
        ended = await talk.until(ResponseEnded)
        assert (ended.status, ended.fault) == (Status.FAILED, fault)
        assert await answered(talk, "well?") == "Well."


@pytest.mark.parametrize(
    ("fixtures", "strict", "fault", "words"),
    [
        (
            [fixture("hello", {"content": "Good morning"}, truncateAfterChunks=1, chunkSize=4)],
            False,
            Fault.NO_NETWORK,
            "broke",
        ),
        ([fixture("other", {"content": "no answer to hello"})], True, Fault.REFUSED, "close code 1008"),
        ([fixture("hello", {"transcription": {"text": "x"}})], False, Fault.SERVER_ERROR, "server_error"),
    ],
    ids=["cut off in an answer", "closed with a reason", "an error instead of a response"],
)
async def test_a_session_that_ends(
    tmp_path: Path, fixtures: list[Wire], strict: bool, fault: Fault, words: str
) -> None:
    async with aimock(tmp_path, *fixtures, strict=strict) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        talk.ask("hello")
        closed = await talk.until(SessionClosed)
        assert (closed.fault, words in closed.reason) == (fault, True), closed.reason


async def test_a_server_that_is_stopped_says_goodbye(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(custom(server.url)) as talk:
        await talk.opened()
        await server.end()
        closed = await talk.until(SessionClosed)
        assert (closed.fault, "close code 1001" in closed.reason) == (Fault.SERVER_ERROR, True)
        talk.sessions.open(2)
        gone = await talk.until(SessionClosed)
        assert (gone.fault, "nothing listens there" in gone.reason) == (Fault.NO_NETWORK, True)


def with_key(folder: Path, key: str) -> str:
    """The file that it is in."""
    (folder / "key").write_text(f"{key}\n")
    return str(folder / "key")


async def test_the_key_goes_along(tmp_path: Path) -> None:
    file = with_key(tmp_path, "right")
    async with aimock(tmp_path, HELLO, key="right") as server, talking(custom(server.url, file)) as talk:
        await talk.opened()
        assert await answered(talk, "hello") == "Good morning to you."


@pytest.mark.parametrize("key", ["wrong", ""])
async def test_a_wrong_key_or_none(tmp_path: Path, key: str) -> None:
    file = with_key(tmp_path, key) if key else ""
    async with aimock(tmp_path, HELLO, key="right") as server, talking(custom(server.url, file)) as talk:
        talk.sessions.open(1)
        closed = await talk.until(SessionClosed)
        assert (closed.fault, "HTTP 401" in closed.reason) == (Fault.BAD_KEY, True)
        assert "wrong" not in closed.reason


async def test_a_path_that_it_does_not_serve(tmp_path: Path) -> None:
    async with aimock(tmp_path, HELLO) as server, talking(custom(f"{server.url}/elsewhere")) as talk:
        talk.sessions.open(1)
        closed = await talk.until(SessionClosed)
        assert (closed.fault, "HTTP 404" in closed.reason) == (Fault.REFUSED, True)
