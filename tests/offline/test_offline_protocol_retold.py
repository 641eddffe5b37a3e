"""What our client tells of an earlier session is taken as it is, and the conversation then is what was heard."""

from __future__ import annotations

from typing import Any

from offline_stage import Stage, kinds, of
from speakerd.core.events import Talker
from speakerd.realtime.history import Call, Output, Said, Words
from speakerd.realtime.received import FunctionCall
from speakerd.realtime.told import Told

SAID: dict[str, Said] = {
    "u1": Words("own_said_1_1", Talker.USER, "what time is it"),
    "call c1": Call("own_said_1_2", FunctionCall("c1", "clock", "{}")),
    "output c1": Output("own_said_1_3", "c1", "noon"),
    "a1": Words("own_said_1_4", Talker.ASSISTANT, "it is noon, and the sun shines"),
}


def send(stage: Stage, events: list[Any]) -> list[dict[str, Any]]:
    return stage.send(*(dict(event) for event in events))


def test_all_of_it_is_taken_and_answered_by() -> None:
    stage, told = Stage(), Told(2, SAID)
    events = send(stage, told.all_said())
    assert not of(events, "error")
    assert [event["item"]["id"] for event in of(events, "conversation.item.added")] == [
        f"own_said_1_{n}" for n in (1, 2, 3, 4)
    ]
    answer = stage.send({"type": "response.create"})
    assert kinds(answer)[-1] == "response.done"


def test_what_was_heard_less_of_is_replaced_in_its_place() -> None:
    stage, told = Stage(), Told(2, SAID)
    send(stage, told.all_said())
    send(stage, told.tell_facts("it is 18:42"))
    events = send(stage, told.revise("a1", Words("own_said_1_4", Talker.ASSISTANT, "it is noon,")))
    events += send(stage, told.revise("u1", Words("own_said_1_1", Talker.USER, "what")))
    events += send(stage, told.forget_facts())
    assert not of(events, "error")
    added = of(events, "conversation.item.added")
    assert [(event["item"]["id"], event["previous_item_id"]) for event in added] == [
        ("own_said_1_4", "own_said_1_3"),
        ("own_said_1_1", None),
    ]
    deleted = [event["item_id"] for event in of(events, "conversation.item.deleted")]
    assert deleted == ["own_said_1_4", "own_said_1_1", "own_facts_2_1"]
