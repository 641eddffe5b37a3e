from __future__ import annotations

import base64
from typing import Any

import pytest

from offline_stage import Stage, Wire, append_of, error_of, kinds, of, only, pcm_of, user_text
from speakerd.offline import protocol_items
from speakerd.offline.brain import Call, Say
from speakerd.offline.protocol_effects import Outputs, Speak, Think, Transcribe, Words


def create(item: Wire, **fields: Any) -> Wire:
    return {"type": "conversation.item.create", "item": item, **fields}


def order_of(stage: Stage) -> list[str]:
    """The conversation's item ids, as the client knows them."""
    ids: list[str] = []
    for event in stage.events:
        if event["type"] == "conversation.item.added":
            previous = event["previous_item_id"]
            ids.insert(ids.index(previous) + 1 if previous else 0, event["item"]["id"])
    return ids


def spoken(stage: Stage) -> str:
    """The id of an assistant item with 400 ms of audio."""
    done = only(stage.send(user_text("hi"), {"type": "response.create"}), "response.done")
    return str(done["response"]["output"][0]["id"])


def truncate(item_id: str, audio_end_ms: int, content_index: int = 0) -> Wire:
    where = {"content_index": content_index, "audio_end_ms": audio_end_ms}
    return {"type": "conversation.item.truncate", "item_id": item_id, **where}


def retrieve(stage: Stage, item_id: str) -> Wire:
    item: Wire = only(
        stage.send({"type": "conversation.item.retrieve", "item_id": item_id}), "conversation.item.retrieved"
    )["item"]
    return item


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (
            {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "x"}]},
            {"role": "system", "content": [{"type": "input_text", "text": "x"}]},
        ),
        (
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
            {"role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"}]},
            {"role": "user", "content": [{"type": "input_audio", "transcript": None}]},
        ),
        (
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_image", "image_url": "data:image/png;base64,"}],
            },
            {"content": [{"type": "input_image", "image_url": "data:image/png;base64,"}]},
        ),
        (
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c1"},
            {"name": "f", "arguments": "{}", "call_id": "c1"},
        ),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, {"call_id": "call_mine"}),
        (
            {"type": "message", "role": "user", "content": [], "status": "incomplete", "object": "realtime.item"},
            {"status": "incomplete"},
        ),
    ],
)
def test_a_created_item_is_echoed_twice(item: Wire, shown: Wire) -> None:
    events = Stage().send(create({**item, "id": "mine"}))
    assert kinds(events) == ["conversation.item.added", "conversation.item.done"]
    assert [event["previous_item_id"] for event in events] == [None, None]
    for event in events:
        assert shown.items() <= event["item"].items()
        assert {"id": "mine", "object": "realtime.item"}.items() <= event["item"].items()


def test_items_are_inserted_where_the_client_says() -> None:
    stage = Stage()
    stage.send(user_text("b", id="b"))
    stage.send({**user_text("d", id="d"), "previous_item_id": None})
    stage.send({**user_text("a", id="a"), "previous_item_id": "root"})
    stage.send({**user_text("c", id="c"), "previous_item_id": "b"})
    assert order_of(stage) == ["a", "b", "c", "d"]
    assert [event["previous_item_id"] for event in of(stage.events, "conversation.item.done")] == [None, "b", None, "b"]


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        (user_text("again", id="u1"), "item_create_duplicate_item_id", "item.id"),
        ({**user_text("x"), "previous_item_id": "nobody"}, "invalid_value", "previous_item_id"),
        (create({"type": "function_call_output", "call_id": "c", "output": ""}), "invalid_tool_call_id", None),
        (create({"type": "mcp_call"}), "invalid_value", "item.type"),
        (create({"type": "message", "role": "robot", "content": []}), "invalid_value", "item.role"),
        (
            create({"type": "message", "role": "assistant", "content": [{"type": "output_audio", "audio": ""}]}),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            create({"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "?"}]}),
            "invalid_value",
            "item.content[0].audio",
        ),
        (create({"type": "message", "role": "user", "content": "hi"}), "invalid_type", "item.content"),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_delete_invalid_item_id", "item_id"),
        ({"type": "conversation.item.retrieve", "item_id": "x"}, "item_retrieve_invalid_item_id", "item_id"),
        (truncate("x", 0), "item_truncate_invalid_item_id", "item_id"),
        (truncate("u1", 0), "invalid_value", "item_id"),
        (truncate("u1", -1), "invalid_value", "audio_end_ms"),
    ],
)
def test_what_cannot_be_done_with_items(event: Wire, code: str, param: str | None) -> None:
    stage = Stage()
    stage.send(user_text("hi", id="u1"))
    error = error_of(stage.send({**event, "event_id": "mine"}))
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")


def test_a_deleted_item_is_gone_and_its_id_free() -> None:
    stage = Stage()
    stage.send(user_text("a", id="a"), user_text("b", id="b"))
    assert stage.send({"type": "conversation.item.delete", "item_id": "a"})[0]["item_id"] == "a"
    (added, _) = stage.send(user_text("a", id="a"))
    assert added["previous_item_id"] == "b"


def test_an_id_that_the_server_would_mint_is_skipped() -> None:
    stage = Stage()
    stage.send(user_text("a", id="item_t0000006"))
    stage.send(*[user_text("x") for _ in range(3)])
    ids = order_of(stage)
    assert len(set(ids)) == len(ids) == 4


def test_retrieve_gives_the_audio_too() -> None:
    stage = Stage()
    item = retrieve(stage, spoken(stage))
    (content,) = item["content"]
    assert base64.b64decode(content["audio"]) == pcm_of(400)
    assert content["transcript"] == "you said hi"
    stage.send(append_of(150), {"type": "input_audio_buffer.commit"})
    (content,) = retrieve(stage, order_of(stage)[-1])["content"]
    assert base64.b64decode(content["audio"]) == pcm_of(150)
    assert content["transcript"] == stage.words


@pytest.mark.parametrize("heard_ms", [0, 250, 400])
def test_truncation_cuts_audio_and_removes_the_transcript(heard_ms: int) -> None:
    stage = Stage()
    item_id = spoken(stage)
    (event,) = stage.send(truncate(item_id, heard_ms))
    del event["event_id"]
    assert event == {
        "type": "conversation.item.truncated",
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": heard_ms,
    }
    (content,) = retrieve(stage, item_id)["content"]
    assert base64.b64decode(content["audio"]) == pcm_of(heard_ms)
    assert "transcript" not in content
    assert error_of(stage.send(truncate(item_id, 401)))["message"] == (
        f"Audio content of {heard_ms}ms is already shorter than 401ms"
    )


def test_only_the_audio_part_can_be_truncated() -> None:
    stage = Stage()
    assert error_of(stage.send(truncate(spoken(stage), 0, content_index=1)))["param"] == "content_index"


def test_what_is_truncated_while_it_is_made_stays_cut() -> None:
    stage = Stage(plays=frozenset({Think}))
    stage.send(user_text("hi"), {"type": "response.create"})
    (speak,) = [effect for effect in stage.asked if isinstance(effect, Speak)]
    stage.do(stage.protocol.spoke(speak.response_id, pcm_of(400)))
    item_id = order_of(stage)[-1]
    stage.send(truncate(item_id, 100))
    stage.do(stage.protocol.spoke(speak.response_id, pcm_of(400)))
    stage.do(stage.protocol.spoken(speak.response_id))
    (content,) = retrieve(stage, item_id)["content"]
    assert (base64.b64decode(content["audio"]), "transcript" in content) == (pcm_of(100), False)
    assert only(stage.events, "response.done")["response"]["output"][0]["content"] == [{"type": "output_audio"}]


def questions(stage: Stage) -> list[Words | Outputs]:
    return [effect.question for effect in stage.asked if isinstance(effect, Think)]


CALL_1 = create({"type": "function_call", "name": "clock", "arguments": "{}", "call_id": "c1"})
CALL_2 = create({"type": "function_call", "name": "light", "arguments": "{}", "call_id": "c2"})
OUTPUT_1 = create({"type": "function_call_output", "call_id": "c1", "output": "noon"})
OUTPUT_2 = create({"type": "function_call_output", "call_id": "c2", "output": "on"})
SYSTEM = create({"type": "message", "role": "system", "content": [{"type": "input_text", "text": "be kind"}]})
ASSISTANT = create({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes"}]})


@pytest.mark.parametrize(
    ("history", "question"),
    [
        ([], Words("")),
        ([SYSTEM], Words("")),
        ([user_text("hi")], Words("hi")),
        ([user_text("one"), user_text("two"), SYSTEM], Words("two")),
        ([user_text("hi"), ASSISTANT], Words("hi")),
        ([user_text("hi"), CALL_1, OUTPUT_1], Outputs((("clock", "noon"),))),
        ([CALL_1, CALL_2, OUTPUT_2, SYSTEM, OUTPUT_1], Outputs((("light", "on"), ("clock", "noon")))),
        ([CALL_1, OUTPUT_1, CALL_2, OUTPUT_2], Outputs((("clock", "noon"), ("light", "on")))),
        ([CALL_1, OUTPUT_1, user_text("hi")], Words("hi")),
        ([user_text("hi"), CALL_1, OUTPUT_1, ASSISTANT], Words("hi")),
    ],
)
def test_what_the_brain_is_asked(history: list[Wire], question: Words | Outputs) -> None:
    stage = Stage(plays=frozenset())
    stage.send(*history, {"type": "response.create"})
    assert questions(stage) == [question]


def test_outputs_are_reported_until_an_answer_is_complete() -> None:
    stage = Stage(plays=frozenset())
    stage.send(user_text("hi"), CALL_1, OUTPUT_1, {"type": "response.create"}, {"type": "response.cancel"})
    stage.send({"type": "response.create"})
    assert questions(stage) == [Outputs((("clock", "noon"),))] * 2
    stage.do(stage.protocol.thought(stage.asked[-1].response_id, [Call("light", {})]))  # type: ignore[union-attr]
    stage.send({"type": "response.create"})
    assert questions(stage)[-1] == Words("hi")


def test_audio_that_a_client_created_is_transcribed_when_it_is_needed() -> None:
    audio = base64.b64encode(pcm_of(200)).decode()
    content = [{"type": "input_audio", "audio": audio, "transcript": "lies"}, {"type": "input_audio", "audio": audio}]
    stage = Stage(plays=frozenset({Think}), answers={"please": [Say("ok")]})
    stage.send(create({"type": "message", "role": "user", "content": content, "id": "u"}))
    assert [effect for effect in stage.asked if isinstance(effect, Transcribe)] == []
    stage.send({"type": "response.create"})
    assert stage.asked[-1] == Transcribe("u", pcm_of(400), ())
    stage.do(stage.protocol.transcribed("u", "please"))
    assert [type(effect) for effect in stage.asked[-2:]] == [Transcribe, Speak]
    assert [part["transcript"] for part in retrieve(stage, "u")["content"]] == ["please", ""]
    assert of(stage.events, "conversation.item.input_audio_transcription.completed") == []


def test_old_audio_is_forgotten_when_there_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol_items, "_MOST_AUDIO_BYTES", len(pcm_of(1000)))
    stage = Stage()
    first, second, third = [spoken(stage) for _ in range(3)]
    held = [len(base64.b64decode(retrieve(stage, each)["content"][0]["audio"])) for each in (first, second, third)]
    assert held == [0, len(pcm_of(400)), len(pcm_of(400))]
    assert kinds(stage.send(truncate(first, 200))) == ["conversation.item.truncated"]
    assert error_of(stage.send(truncate(first, 201)))["code"] == "invalid_value"
