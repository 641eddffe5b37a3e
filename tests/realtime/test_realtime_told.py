"""What we put into a conversation ourselves: retold, revised, and facts that come and go; as the SDK's types say."""

from __future__ import annotations

from typing import Any

from speakerd.core.events import Talker
from speakerd.realtime import messages
from speakerd.realtime.history import Call, Output, Said, Words
from speakerd.realtime.messages import ClientEvent
from speakerd.realtime.received import FunctionCall
from speakerd.realtime.told import Told
from test_realtime_messages import checked

QUESTION = Words("own_said_1_1", Talker.USER, "What time is it?")
CALL = Call("own_said_1_2", FunctionCall("c1", "clock", "{}"))
OUTPUT = Output("own_said_1_3", "c1", "noon")
ANSWER = Words("own_said_1_4", Talker.ASSISTANT, "It is noon, and the sun shines.")
HEARD = Words("own_said_1_4", Talker.ASSISTANT, "It is noon,")
SAID: dict[str, Said] = {"u1": QUESTION, "call c1": CALL, "output c1": OUTPUT, "a1": ANSWER}


def told() -> Told:
    return Told(3, SAID)


def content(event: ClientEvent) -> Any:
    checked(messages.encode(event, "e"))
    return event["item"]


def test_all_is_told_in_order() -> None:
    events = told().all_said()
    assert [event["type"] for event in events] == ["conversation.item.create"] * 4
    assert all("previous_item_id" not in event for event in events)
    assert [content(event) for event in events] == [
        {
            "id": "own_said_1_1",
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "What time is it?"}],
        },
        {"id": "own_said_1_2", "type": "function_call", "call_id": "c1", "name": "clock", "arguments": "{}"},
        {"id": "own_said_1_3", "type": "function_call_output", "call_id": "c1", "output": "noon"},
        {
            "id": "own_said_1_4",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "It is noon, and the sun shines."}],
        },
    ]
    assert "a1" in told()
    assert "own_said_1_4" not in told()


def test_what_was_heard_of_an_answer_is_told_again_in_its_place() -> None:
    ours = told()
    assert ours.revise("a1", ANSWER) == []
    removal, again = ours.revise("a1", HEARD)
    assert removal == {"type": "conversation.item.delete", "item_id": "own_said_1_4"}
    assert again["previous_item_id"] == "own_said_1_3"
    assert content(again)["content"][0]["text"] == "It is noon,"
    assert ours.revise("a1", HEARD) == []
    assert ours.revise("a1", None) == [removal]
    assert "a1" not in ours


def test_what_is_told_again_first_goes_first() -> None:
    _, again = told().revise("u1", Words("own_said_1_1", Talker.USER, "What?"))
    assert again["previous_item_id"] == "root"
    checked(messages.encode(again, "e"))


def test_facts_replace_each_other_and_are_forgotten() -> None:
    ours = told()
    assert ours.forget_facts() == []
    [first] = ours.tell_facts("It is 18:42.")
    assert content(first) == {
        "id": "own_facts_3_1",
        "type": "message",
        "role": "system",
        "content": [{"type": "input_text", "text": "It is 18:42."}],
    }
    removal, second = ours.tell_facts("It is 18:43.")
    assert removal == {"type": "conversation.item.delete", "item_id": "own_facts_3_1"}
    assert content(second)["id"] == "own_facts_3_2"
    assert ours.tell_facts("") == [{"type": "conversation.item.delete", "item_id": "own_facts_3_2"}]
    assert ours.forget_facts() == []


def test_facts_are_no_part_of_what_is_told_next() -> None:
    ours = told()
    ours.tell_facts("It is 18:42.")
    assert len(ours.all_said()) == 4
