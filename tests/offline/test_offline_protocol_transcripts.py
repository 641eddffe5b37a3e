from __future__ import annotations

from typing import Any

import pytest

from offline_stage import Stage, Wire, append_of, kinds, of, only, user_text
from speakerd.offline.protocol_effects import Speak, Think, Transcribe

COMMIT: Wire = {"type": "input_audio_buffer.commit"}


def configure(stage: Stage, detection: Wire | None, **audio_input: Any) -> None:
    audio = {"input": {"turn_detection": detection, **audio_input}}
    stage.send({"type": "session.update", "session": {"type": "realtime", "audio": audio}})


def test_the_user_is_transcribed_when_the_client_asks() -> None:
    stage = Stage()
    configure(stage, None, transcription={"model": "gpt-transcribe"})
    events = stage.send(append_of(1500), COMMIT)
    delta, completed = events[-2:]
    assert (delta["type"], delta["delta"]) == ("conversation.item.input_audio_transcription.delta", stage.words)
    assert completed["transcript"] == stage.words
    assert completed["item_id"] == delta["item_id"] == events[0]["item_id"]
    assert completed["usage"] == {"type": "duration", "seconds": 1.5}


def test_nothing_understood_is_an_empty_transcript() -> None:
    stage = Stage(words="")
    configure(stage, None, transcription={"model": "gpt-transcribe"})
    assert kinds(stage.send(append_of(1500), COMMIT))[3:] == ["conversation.item.input_audio_transcription.completed"]


def test_a_transcript_of_a_deleted_item_is_not_sent_but_the_answer_comes() -> None:
    stage = Stage(plays=frozenset())
    configure(stage, None, transcription={"model": "gpt-transcribe"})
    stage.send(append_of(1500), COMMIT, {"type": "response.create"})
    item_id = only(stage.events, "input_audio_buffer.committed")["item_id"]
    stage.send({"type": "conversation.item.delete", "item_id": item_id})
    before = len(stage.events)
    stage.do(stage.protocol.transcribed(item_id, "hello"))
    assert len(stage.events) == before
    assert isinstance(stage.asked[-1], Think)
    assert stage.protocol.transcribed(item_id, "twice") == []
    assert stage.protocol.not_transcribed(item_id, "twice") == []


@pytest.mark.parametrize("told", [True, False])
def test_a_failed_transcription_fails_the_response_that_waits(told: bool) -> None:
    stage = Stage(plays=frozenset())
    configure(stage, None, transcription={"model": "gpt-transcribe"} if told else None)
    stage.send(append_of(1500), COMMIT, {"type": "response.create"})
    before = len(stage.events)
    item_id = only(stage.events, "input_audio_buffer.committed")["item_id"]
    stage.do(stage.protocol.not_transcribed(item_id, "The microphone is full of bees."))
    *failed, done = stage.events[before:]
    assert [event["error"]["message"] for event in failed] == ["The microphone is full of bees."] * told
    assert done["response"]["status"] == "failed"
    assert done["response"]["status_details"]["error"] == {
        "type": "server_error",
        "code": "server_error",
        "message": "The microphone is full of bees.",
    }


def test_two_responses_may_wait_for_one_utterance() -> None:
    stage = Stage(plays=frozenset({Think, Speak}))
    configure(stage, None)
    stage.send(append_of(500), COMMIT, {"type": "response.create"})
    stage.send({"type": "response.create", "response": {"conversation": "none"}})
    (transcribe,) = [effect for effect in stage.asked if isinstance(effect, Transcribe)]
    stage.do(stage.protocol.transcribed(transcribe.item_id, "hi"))
    assert len(of(stage.events, "response.done")) == 2


def test_a_response_that_waits_for_nothing_does_not_mind_the_words() -> None:
    stage = Stage(plays=frozenset())
    stage.send(user_text("hi"), {"type": "response.create", "response": {"conversation": "none"}})
    configure(stage, None)
    stage.send(append_of(500), COMMIT)
    for answer in (stage.protocol.transcribed, stage.protocol.not_transcribed):
        (transcribe,) = [effect for effect in stage.asked if isinstance(effect, Transcribe)]
        assert answer(transcribe.item_id, "hello") == []
        stage.asked.clear()
        stage.send(append_of(500), COMMIT)
    assert of(stage.events, "response.done") == []


class TestIdle:
    def stage(self) -> Stage:
        stage = Stage(words="")
        configure(stage, {"type": "server_vad", "idle_timeout_ms": 5000})
        stage.send(append_of(1000), user_text("hi"), {"type": "response.create"})
        return stage

    def test_silence_after_the_playout_of_an_answer_triggers_another(self) -> None:
        stage = self.stage()
        assert stage.send(append_of(5300), append_of(100)) == []
        events = stage.send(append_of(100))
        assert kinds(events)[:4] == [
            "input_audio_buffer.timeout_triggered",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
        ]
        assert (events[0]["audio_start_ms"], events[0]["audio_end_ms"]) == (1400, 6400)
        assert events[0]["item_id"] == events[1]["item_id"]
        assert only(events, "response.done")["response"]["status"] == "completed"

    def test_speech_stops_the_clock(self) -> None:
        stage = self.stage()
        stage.do(stage.protocol.speech_began(1200))
        assert stage.send(append_of(9000), append_of(9000)) == []

    def test_an_active_response_stops_the_clock(self) -> None:
        stage = self.stage()
        stage.plays = frozenset()
        stage.send({"type": "response.create"})
        assert stage.send(append_of(9000), append_of(9000)) == []

    def test_nothing_is_counted_before_the_first_answer(self) -> None:
        stage = Stage()
        configure(stage, {"type": "server_vad", "idle_timeout_ms": 5000})
        assert stage.send(append_of(9000), append_of(9000)) == []
