from __future__ import annotations

import base64
from typing import Any

import pytest

from offline_stage import Stage, Wire, append_of, error_of, kinds, of, only, pcm_of, user_text
from speakerd.offline.brain import Call, Say
from speakerd.offline.protocol_effects import Outputs, Think, Words
from speakerd.ports import ToolSpec

CALL = Call("light", {"on": True})


def create(**response: Any) -> Wire:
    return {"type": "response.create", "response": response}


def thinking(stage: Stage) -> Think:
    think = [effect for effect in stage.asked if isinstance(effect, Think)][-1]
    assert isinstance(think, Think)
    return think


def test_the_ladder_of_several_parts() -> None:
    stage = Stage(answers={"go": [Say("fine"), CALL, CALL]})
    stage.send(user_text("go", id="u"))
    events = stage.send(create())
    call_ladder = [
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "conversation.item.done",
    ]
    assert kinds(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        *call_ladder,
        *call_ladder,
        "response.done",
    ]
    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "function_call"]
    assert output == [event["item"] for event in of(events, "response.output_item.done")]
    assert [event["output_index"] for event in of(events, "response.output_item.done")] == [0, 1, 2]
    added = of(events, "conversation.item.added")
    assert [event["previous_item_id"] for event in added] == ["u", output[0]["id"], output[1]["id"]]
    assert added[1]["item"]["name"] == "light"
    assert added[1]["item"]["call_id"] == of(events, "response.function_call_arguments.done")[0]["call_id"]
    assert added[1]["item"]["arguments"] == ""
    assert output[1]["call_id"] != output[2]["call_id"]
    assert events[-1]["response"]["conversation_id"] == events[0]["response"]["conversation_id"] is not None


def test_calls_are_reported_by_name() -> None:
    stage = Stage(answers={"go": [CALL, Call("clock", {})]})
    done = only(stage.send(user_text("go"), create()), "response.done")["response"]
    outputs = [
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call_output", "call_id": call_id, "output": text},
        }
        for call_id, text in zip([item["call_id"] for item in done["output"]], ["on", "noon"], strict=True)
    ]
    events = stage.send(*outputs, create())
    assert only(events, "response.output_audio_transcript.done")["transcript"] == "light says on, clock says noon"


def test_words_travel_at_the_pace_of_the_audio() -> None:
    stage = Stage(plays=frozenset({Think}), answers={"hi": [Say("one two three four five six ")]})
    stage.send(user_text("hi"), create())
    response_id = stage.asked[-1].response_id  # type: ignore[union-attr]

    def words_after(milliseconds: int) -> str:
        before = len(stage.events)
        stage.do(stage.protocol.spoke(response_id, pcm_of(milliseconds)))
        return "".join(each["delta"] for each in of(stage.events[before:], "response.output_audio_transcript.delta"))

    assert [words_after(ms) for ms in (200, 200, 1000)] == ["one", " two", " three four"]
    before = len(stage.events)
    stage.do(stage.protocol.spoken(response_id))
    assert [each["delta"] for each in of(stage.events[before:], "response.output_audio_transcript.delta")] == [
        " five",
        " six ",
    ]
    assert only(stage.events, "response.output_audio_transcript.done")["transcript"] == "one two three four five six "


def test_audio_that_nobody_asked_for_is_dropped() -> None:
    stage = Stage(plays=frozenset())
    stage.send(user_text("hi"), create())
    response_id = thinking(stage).response_id
    assert stage.protocol.spoke(response_id, pcm_of(100)) == []
    assert stage.protocol.spoken(response_id) == []


def test_no_audio_delta_is_longer_than_a_fifth_of_a_second() -> None:
    stage = Stage(plays=frozenset({Think}))
    stage.send(user_text("hi"), create())
    response_id = stage.asked[-1].response_id  # type: ignore[union-attr]
    stage.do(stage.protocol.spoke(response_id, bytes(range(256)) * 100))
    pieces = [base64.b64decode(each["delta"]) for each in of(stage.events, "response.output_audio.delta")]
    assert b"".join(pieces) == bytes(range(256)) * 100
    assert [len(piece) for piece in pieces] == [9600, 9600, 6400]


def test_a_response_in_text() -> None:
    stage = Stage(answers={"hi": [Say("hello there"), Say("you")]})
    events = stage.send(user_text("hi"), create(output_modalities=["text"]))
    assert kinds(events)[3:12] == [
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
    ]
    response = only(events, "response.done")["response"]
    assert [item["content"] for item in response["output"]] == [
        [{"type": "output_text", "text": "hello there"}],
        [{"type": "output_text", "text": "you"}],
    ]
    assert response["output_modalities"] == ["text"]
    assert response["usage"]["output_token_details"]["audio_tokens"] == 0


def test_usage_counts_text_and_audio() -> None:
    stage = Stage(answers={stage_words: [Say("abcd efgh")] for stage_words in ["what time is it"]})
    stage.send({"type": "session.update", "session": {"type": "realtime", "instructions": "x" * 40}})
    stage.send(append_of(3000))
    first = only(stage.speak(2000, after_ms=500), "response.done")["response"]["usage"]
    # 2.3 s of user audio at 10 tokens a second; 0.4 s of assistant audio at 20, and two words.
    assert first == {
        "total_tokens": 10 + 23 + 3 + 8,
        "input_tokens": 10 + 23,
        "output_tokens": 3 + 8,
        "input_token_details": {
            "text_tokens": 10,
            "audio_tokens": 23,
            "image_tokens": 0,
            "cached_tokens": 0,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
        },
        "output_token_details": {"text_tokens": 3, "audio_tokens": 8},
    }
    tools = [{"type": "function", "name": "f"}]
    second = only(stage.send(user_text("x" * 20), create(tools=tools)), "response.done")["response"]["usage"]
    # The history is billed again, and the tools: 35 characters of JSON.
    assert second["input_token_details"]["audio_tokens"] == 23 + 8
    assert second["input_token_details"]["text_tokens"] == 10 + 5 + 9


def test_out_of_band() -> None:
    stage = Stage(answers={"aside": [Say("psst"), CALL]})
    stage.send(user_text("hello", id="u"))
    aside = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "aside"}]}
    events = stage.send(create(conversation="none", input=[aside], metadata={"topic": "x"}))
    assert of(events, "conversation.item.added") == of(events, "conversation.item.done") == []
    response = only(events, "response.done")["response"]
    assert (response["conversation_id"], response["metadata"]) == (None, {"topic": "x"})
    assert [item["type"] for item in response["output"]] == ["message", "function_call"]
    assert only(stage.send(user_text("next")), "conversation.item.added")["previous_item_id"] == "u"


def test_out_of_band_beside_the_default_response() -> None:
    stage = Stage(plays=frozenset())
    stage.send(user_text("hi"), create(), create(conversation="none"))
    first, second = [each["response"]["id"] for each in of(stage.events, "response.created")]
    stage.do(stage.protocol.speech_began(0))
    assert only(stage.events, "response.done")["response"]["id"] == first
    stage.send({"type": "response.cancel", "response_id": second})
    assert of(stage.events, "response.done")[1]["response"]["status_details"]["reason"] == "client_cancelled"


@pytest.mark.parametrize(
    ("given", "question"),
    [
        ([], Words("")),
        ([{"type": "item_reference", "id": "u"}], Words("hello")),
        (
            [
                {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
                {"type": "function_call_output", "call_id": "c", "output": "5"},
            ],
            Outputs((("f", "5"),)),
        ),
        ([{"type": "function_call_output", "call_id": "unknown", "output": "5"}], Outputs((("", "5"),))),
    ],
)
def test_the_input_of_a_response(given: list[Wire], question: Words | Outputs) -> None:
    stage = Stage(plays=frozenset())
    stage.send(user_text("hello", id="u"), user_text("ignored"), create(input=given))
    assert thinking(stage).question == question


def test_the_overrides_of_a_response_hold_for_it_alone() -> None:
    stage = Stage(plays=frozenset())
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    overrides = {"instructions": "x" * 400, "tools": [tool], "audio": {"output": {"voice": {"id": "v"}}}}
    stage.send(user_text("hi"), create(**overrides, max_output_tokens=7, metadata={"a": "b"}))
    assert thinking(stage).tools == (ToolSpec("f", "", {"type": "object"}),)
    (done,) = stage.send({"type": "response.cancel"})
    response = done["response"]
    assert response["audio"]["output"]["voice"] == "v"
    assert (response["max_output_tokens"], response["metadata"]) == (7, {"a": "b"})
    assert response["usage"]["input_tokens"] > 100
    stage.send({"type": "response.create", "response": None})
    assert thinking(stage).tools == ()
    (done,) = stage.send({"type": "response.cancel"})
    assert (done["response"]["max_output_tokens"], done["response"]["usage"]["input_tokens"]) == ("inf", 1)


@pytest.mark.parametrize(
    ("response", "code", "param"),
    [
        ({"conversation": "mine"}, "invalid_value", "response.conversation"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "invalid_value", "response.input[0].id"),
        ({"output_modalities": []}, "invalid_value", "response.output_modalities"),
        ({"metadata": {"a": 1}}, "invalid_type", "response.metadata.a"),
        ({"metadata": {str(n): "" for n in range(17)}}, "object_above_max_properties", "response.metadata"),
        ({"max_output_tokens": 0}, "invalid_value", "response.max_output_tokens"),
        ({"temperature": 1}, "unknown_parameter", "response.temperature"),
    ],
)
def test_a_response_that_cannot_be(response: Wire, code: str, param: str) -> None:
    stage = Stage()
    error = error_of(stage.send(create(**response)))
    assert (error["code"], error["param"]) == (code, param)
    assert only(stage.send(create()), "response.done")["response"]["status"] == "completed"


def test_an_item_deleted_while_it_is_made_is_not_mirrored_any_more() -> None:
    stage = Stage(plays=frozenset({Think}))
    stage.send(user_text("hi", id="u"), create())
    item_id = of(stage.events, "conversation.item.added")[-1]["item"]["id"]
    before = len(stage.events)
    stage.send({"type": "conversation.item.delete", "item_id": item_id})
    stage.do(stage.protocol.spoken(stage.asked[-1].response_id))  # type: ignore[union-attr]
    assert "conversation.item.done" not in kinds(stage.events[before:])
    assert stage.events[-1]["type"] == "response.done"
