from __future__ import annotations

import base64
from typing import Any

import pytest

from offline_stage import Stage, Wire, append_of, error_of, of, only, pcm_of, user_text
from speakerd.offline.brain import Call, Say
from speakerd.offline.protocol_effects import Close, Speak, Stop, Think, Transcribe


def create(**response: Any) -> Wire:
    return {"type": "response.create", "response": response}


@pytest.mark.parametrize(
    ("limit", "parts", "text", "audio_ms"),
    [
        (1, [Say("one two")], None, 0),
        (4, [Say("one two")], "", 200),
        (5, [Say("one two")], "one", 200),
        (8, [Say("one two")], "one", 200),
        (9, [Say("one two three four")], "one", 400),
        (10, [Say("one two three four")], "one two", 400),
    ],
)
def test_an_answer_that_is_too_long_is_incomplete(
    limit: int, parts: list[Say], text: str | None, audio_ms: int
) -> None:
    stage = Stage(answers={"hi": parts})
    events = stage.send(user_text("hi"), create(max_output_tokens=limit))
    response = only(events, "response.done")["response"]
    assert response["status"] == "incomplete"
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens", "error": None}
    assert response["usage"]["output_tokens"] <= limit
    assert [item["status"] for item in response["output"]] == ["incomplete"]
    assert (only(events, "response.output_audio_transcript.done")["transcript"] or None) == (text or None)
    sent = b"".join(base64.b64decode(each["delta"]) for each in of(events, "response.output_audio.delta"))
    assert len(sent) == len(pcm_of(audio_ms))
    assert stage.asked[-1] == Stop(response["id"])


@pytest.mark.parametrize(("limit", "status", "calls"), [(3, "completed", 1), (2, "incomplete", 0)])
def test_a_call_counts_too(limit: int, status: str, calls: int) -> None:
    stage = Stage(answers={"hi": [Call("f", {"a": "bcd"})]})
    events = stage.send(user_text("hi"), create(max_output_tokens=limit))
    response = only(events, "response.done")["response"]
    assert (response["status"], len(response["output"])) == (status, calls)


def test_a_text_that_is_too_long_is_incomplete() -> None:
    stage = Stage(answers={"hi": [Say("one two three"), Say("four")]})
    events = stage.send(user_text("hi"), create(max_output_tokens=1, output_modalities=["text"]))
    response = only(events, "response.done")["response"]
    assert [item["content"][0]["text"] for item in response["output"]] == ["one"]
    assert response["status"] == "incomplete"


@pytest.mark.parametrize("with_id", [True, False])
@pytest.mark.parametrize("stopped_at", [Transcribe, Think, Speak])
def test_cancel_in_every_stage(stopped_at: type, with_id: bool) -> None:
    stage = Stage(plays=frozenset({Transcribe, Think, Speak} - {stopped_at}))
    stage.send(append_of(2000))
    stage.speak(1000)
    response_id = only(stage.events, "response.created")["response"]["id"]
    before = len(stage.events)
    stage.send({"type": "response.cancel", **({"response_id": response_id} if with_id else {})})
    response = only(stage.events[before:], "response.done")["response"]
    assert response["status_details"] == {"type": "cancelled", "reason": "client_cancelled", "error": None}
    assert stage.asked[-1] == Stop(response_id)
    assert stage.protocol.thought(response_id, [Say("late")]) == []
    assert stage.protocol.spoke(response_id, pcm_of(100)) == []
    assert stage.protocol.spoken(response_id) == []
    assert stage.protocol.failed(response_id, "late") == []


@pytest.mark.parametrize("response_id", [None, "resp_x"])
def test_nothing_to_cancel(response_id: str | None) -> None:
    error = error_of(Stage().send({"type": "response.cancel", "response_id": response_id}))
    assert (error["code"], error["message"]) == (
        "response_cancel_not_active",
        "Cancellation failed: no active response found",
    )


def test_one_response_at_a_time() -> None:
    stage = Stage(plays=frozenset())
    stage.send(user_text("hi"), create())
    response_id = only(stage.events, "response.created")["response"]["id"]
    error = error_of(stage.send({**create(), "event_id": "again"}))
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "again")
    assert response_id in error["message"]


def test_too_many_responses_out_of_band() -> None:
    stage = Stage(plays=frozenset())
    for _ in range(16):
        stage.send(create(conversation="none"))
    assert error_of(stage.send(create(conversation="none")))["code"] == "rate_limit_exceeded"


def test_the_brain_fails_in_the_middle_of_a_message() -> None:
    stage = Stage(plays=frozenset({Think}))
    stage.send(user_text("hi"), create())
    response_id = stage.asked[-1].response_id  # type: ignore[union-attr]
    stage.do(stage.protocol.spoke(response_id, pcm_of(100)))
    stage.do(stage.protocol.failed(response_id, "espeak-ng is missing."))
    response = only(stage.events, "response.done")["response"]
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["message"] == "espeak-ng is missing."
    assert response["output"][0]["status"] == "incomplete"


def test_the_session_expires() -> None:
    stage = Stage()
    before = len(stage.events)
    stage.do(stage.protocol.expire(60))
    error = error_of(stage.events[before:])
    assert (error["code"], error["message"]) == (
        "session_expired",
        "Your session hit the maximum duration of 60 minutes.",
    )
    assert stage.asked[-1] == Close(1001, "Your session hit the maximum duration of 60 minutes.")
