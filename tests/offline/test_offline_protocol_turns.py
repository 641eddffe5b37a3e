from __future__ import annotations

import base64
from typing import Any

import pytest

from offline_stage import Stage, Wire, append_of, error_of, kinds, of, only, pcm_of, user_text
from speakerd.offline.protocol_effects import Listen, Speak, StartEndpointing, Stop, StopEndpointing, Think, Transcribe

COMMIT: Wire = {"type": "input_audio_buffer.commit"}
CLEAR: Wire = {"type": "input_audio_buffer.clear"}


def configure(stage: Stage, detection: Wire | None, **audio_input: Any) -> None:
    audio = {"input": {"turn_detection": detection, **audio_input}}
    stage.send({"type": "session.update", "session": {"type": "realtime", "audio": audio}})


def transcribed_ms(stage: Stage) -> list[int]:
    return [len(effect.pcm) // 48 for effect in stage.asked if isinstance(effect, Transcribe)]


LADDER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


def test_a_spoken_turn_in_the_documented_order() -> None:
    stage = Stage()
    stage.send(append_of(3000))
    events = stage.speak(1200, after_ms=1000)
    assert kinds(events) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        *LADDER,
    ]
    started, stopped, committed, added = events[:4]
    assert (started["audio_start_ms"], stopped["audio_end_ms"]) == (700, 2200)
    assert started["item_id"] == stopped["item_id"] == committed["item_id"] == added["item"]["id"]
    assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]
    response = events[-1]["response"]
    assert (response["status"], response["status_details"]) == ("completed", None)
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "you said what time is it"}]


def test_the_utterance_holds_the_padding_and_no_more() -> None:
    stage = Stage(plays=frozenset())
    stage.send(append_of(3000))
    stage.speak(1200, after_ms=1000)
    assert transcribed_ms(stage) == [1500]
    stage.send(append_of(1000))
    stage.speak(500, after_ms=2300)
    assert transcribed_ms(stage) == [1500, 600]
    assert of(stage.events, "input_audio_buffer.speech_started")[-1]["audio_start_ms"] == 2200


def test_positions_go_on_when_the_endpointer_is_replaced() -> None:
    stage = Stage(plays=frozenset())
    stage.send(append_of(1000))
    configure(stage, {"type": "server_vad", "silence_duration_ms": 300, "prefix_padding_ms": 0})
    assert stage.asked[-1] == StartEndpointing(300, 0.5)
    stage.send(append_of(1000))
    events = stage.speak(400, after_ms=100)
    assert (events[0]["audio_start_ms"], events[1]["audio_end_ms"]) == (1100, 1500)
    assert transcribed_ms(stage) == [400]


@pytest.mark.parametrize(
    ("flags", "interrupted", "answers"),
    [
        ({}, True, 2),
        ({"interrupt_response": False}, False, 1),
        ({"create_response": False}, True, 1),
    ],
)
def test_barge_in_while_the_answer_is_made(flags: Wire, interrupted: bool, answers: int) -> None:
    stage = Stage(plays=frozenset({Think, Transcribe}))
    configure(stage, {"type": "semantic_vad", **flags})
    stage.send(user_text("hi"), {"type": "response.create"}, append_of(2000))
    (speak,) = [effect for effect in stage.asked if isinstance(effect, Speak)]
    stage.do(stage.protocol.spoke(speak.response_id, pcm_of(200)))
    before = len(stage.events)
    stage.speak(1000, after_ms=500)
    events = stage.events[before:]
    if interrupted:
        assert kinds(events)[:7] == [
            "input_audio_buffer.speech_started",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
        ]
        response = events[6]["response"]
        assert response["status"] == "cancelled"
        assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected", "error": None}
        assert response["output"][0]["status"] == "incomplete"
        assert Stop(speak.response_id) in stage.asked
    else:
        assert of(events, "response.done") == []
        assert only(events, "error")["error"]["code"] == "conversation_already_has_active_response"
    assert len(of(stage.events, "response.created")) == answers


def test_speech_after_the_answer_is_complete_cancels_nothing() -> None:
    stage = Stage()
    stage.send(user_text("hi"), {"type": "response.create"}, append_of(2000))
    events = stage.speak(1000)
    assert only(events, "response.done")["response"]["status"] == "completed"


def test_push_to_talk() -> None:
    stage = Stage()
    configure(stage, None)
    assert stage.asked[-1] == StopEndpointing()
    assert stage.speak(100) == []
    assert stage.send(append_of(60), append_of(40)) == []
    events = stage.send(COMMIT)
    assert kinds(events) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert kinds(stage.send({"type": "response.create"})) == LADDER
    assert StartEndpointing not in map(type, stage.asked[1:])


@pytest.mark.parametrize("held_ms", [0, 60, 99])
def test_a_commit_needs_a_tenth_of_a_second(held_ms: int) -> None:
    stage = Stage()
    stage.send(append_of(held_ms))
    error = error_of(stage.send(COMMIT))
    assert (error["code"], error["message"]) == (
        "input_audio_buffer_commit_empty",
        "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
        f"but buffer only has {held_ms}.00ms of audio.",
    )


def test_a_commit_by_hand_ends_the_utterance() -> None:
    stage = Stage(plays=frozenset())
    stage.send(append_of(1000))
    stage.do(stage.protocol.speech_began(500))
    item_id = stage.events[-1]["item_id"]
    stage.asked.clear()
    assert only(stage.send(COMMIT), "input_audio_buffer.committed")["item_id"] == item_id
    assert stage.asked == [Transcribe(item_id, pcm_of(1000), ()), StartEndpointing(700, 0.5)]
    assert stage.protocol.speech_over(900) == []


def test_clear_forgets_the_utterance() -> None:
    stage = Stage()
    stage.send(append_of(1000))
    stage.do(stage.protocol.speech_began(500))
    assert kinds(stage.send(CLEAR)) == ["input_audio_buffer.cleared"]
    assert stage.protocol.speech_over(900) == []
    assert error_of(stage.send(COMMIT))["code"] == "input_audio_buffer_commit_empty"


def test_a_second_beginning_is_no_new_utterance() -> None:
    stage = Stage()
    stage.do(stage.protocol.speech_began(0))
    assert stage.protocol.speech_began(10) == []


def test_the_id_of_the_coming_item_is_taken() -> None:
    stage = Stage()
    stage.send(append_of(1000))
    stage.do(stage.protocol.speech_began(0))
    error = error_of(stage.send(user_text("x", id=stage.events[-1]["item_id"])))
    assert error["code"] == "item_create_duplicate_item_id"


@pytest.mark.parametrize(
    "audio", ["no base64!", "AAA", "ÄÄÄÄ", "A" * (15 * 1024 * 1024 + 4)], ids=["alphabet", "padding", "latin", "long"]
)
def test_bad_audio_is_refused(audio: str) -> None:
    stage = Stage()
    stage.asked.clear()
    error = error_of(stage.send({"type": "input_audio_buffer.append", "audio": audio, "event_id": "a"}))
    assert (error["param"], error["event_id"]) == ("audio", "a")
    assert stage.asked == []


def test_half_samples_wait_for_the_other_half() -> None:
    stage = Stage()
    stage.asked.clear()
    for piece in (b"\x01", b"\x02\x03", b"\x04"):
        stage.send({"type": "input_audio_buffer.append", "audio": base64.b64encode(piece).decode()})
    assert stage.asked == [Listen(b""), Listen(b"\x01\x02"), Listen(b"\x03\x04")]


def test_silence_is_not_kept_for_ever_but_positions_count_on() -> None:
    stage = Stage(plays=frozenset())
    for _ in range(90):
        stage.send(append_of(1000))
    stage.speak(500, after_ms=89_000)
    assert stage.events[-1]["type"] == "response.created"
    assert transcribed_ms(stage) == [800]
    configure(stage, None)
    stage.send(append_of(1000), COMMIT)
    assert transcribed_ms(stage) == [800, 1500]


def test_a_client_that_commits_by_hand_beside_turn_detection_gets_thirty_seconds() -> None:
    stage = Stage(plays=frozenset())
    for _ in range(60):
        stage.send(append_of(1000))
    stage.send(COMMIT)
    assert transcribed_ms(stage) == [31_000]
