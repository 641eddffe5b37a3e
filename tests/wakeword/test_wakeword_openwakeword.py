from __future__ import annotations

import os
import shutil
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.core.events import Event
from speakerd.errors import ModelError
from speakerd.settings import WakeWordSettings
from speakerd.wakeword import models
from speakerd.wakeword.ears import WakeWordEars
from speakerd.wakeword.openwakeword_engine import OpenWakeWordEngine
from wakeword_speech import engine, frames, heard, pause, room, said, scores

VOICES = ["slt", "kal16", "rms"]
REMEMBERED_FRAMES = 26
"""Frames on which a score depends: 10 of the embedding's window and 16 features."""


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(
    "text",
    [
        "hey jarvis",
        "hey jarvis, turn on the kitchen light",
        "hey jarvis. what time is it?",
        "hey jarvis set a timer for ten minutes",
        "hey jarvis stop",
    ],
)
def test_hears_the_wake_word_once_alone_or_in_one_breath(text: str, voice: str) -> None:
    (event,) = heard(room(pause(0.8), said(text, voice), pause(1.2)))
    assert 0.8 * 16_000 < event.sample <= (0.8 + 1.4) * 16_000


@pytest.mark.parametrize("voice", VOICES)
def test_hears_the_wake_word_in_noise(voice: str) -> None:
    slowly = said("hey jarvis, turn on the kitchen light", voice, 1.15)
    assert len(heard(room(pause(0.8), slowly, pause(0.5), noise=150))) == 1


@pytest.mark.parametrize(("word", "text"), [("alexa", "alexa, what time is it?"), ("hey_rhasspy", "hey rhasspy.")])
def test_hears_other_words(word: str, text: str) -> None:
    events = heard(room(pause(0.8), said(text), pause(0.8)), WakeWordSettings(word, patience_frames=1))
    assert [event.word for event in events] == [word]


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(
    "text",
    [
        "turn on the kitchen light",
        "what time is it",
        "hey siri, what time is it",
        "ok google, play some music",
        "hey google",
        "alexa, turn it up",
        "computer, stop",
        "set a timer for ten minutes",
        "what is the weather tomorrow",
        "the quick brown fox jumps over the lazy dog",
        "he gave his dog a biscuit in the garden",
        "the harvest is early this year",
        "they are visiting the service in paris",
        "good morning everybody, did you sleep well",
    ],
)
def test_other_sentences_score_low(text: str, voice: str) -> None:
    engine().rearm()
    assert max(scores(room(pause(0.5), said(text, voice), pause(0.8)))) < 0.1


@pytest.mark.parametrize("noise", [0, 1, 30, 1000, 8000])
def test_silence_and_noise_score_low_from_the_first_frame(noise: float) -> None:
    engine().rearm()
    assert max(scores(room(pause(4), noise=noise))) < 0.1


AFTERWARDS = {
    "silence": pause(3),
    "noise": room(pause(3), noise=300, seed=7),
    "rest of the utterance": said("turn on the kitchen light"),
    "other speech": said("good morning everybody, did you sleep well", "rms"),
    "other command": said("what is the weather tomorrow", "kal16"),
}


def ears_at_a_hit(events: list[Event]) -> WakeWordEars:
    """Ears that stopped hearing at the frame of a detection."""
    listening = WakeWordEars(WakeWordSettings(), engine(), events.append)
    listening.rearm()
    for frame, end_sample in frames(room(pause(0.8), said("hey jarvis"), pause(1.2))):
        listening.hear(frame, end_sample)
        if events:
            return listening
    raise AssertionError("the wake word was not heard")


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_rearm_keeps_an_old_wake_word_from_firing_again(afterwards: str) -> None:
    events: list[Event] = []
    listening = ears_at_a_hit(events)
    listening.rearm()
    for frame, end_sample in frames(room(AFTERWARDS[afterwards])):
        listening.hear(frame, end_sample)
    assert len(events) == 1


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_without_rearm_an_old_wake_word_fires_again(afterwards: str) -> None:
    """Why rearm exists: openWakeWord discussion #141."""
    ears_at_a_hit([])
    assert max(scores(room(AFTERWARDS[afterwards]))) >= 0.5


@pytest.mark.parametrize("delay_seconds", [0, 0.04, 0.4, 1.6])
@pytest.mark.parametrize("voice", VOICES)
def test_hears_a_wake_word_right_after_rearm(voice: str, delay_seconds: float) -> None:
    events: list[Event] = []
    listening = ears_at_a_hit(events)
    listening.rearm()
    for frame, end_sample in frames(room(pause(delay_seconds), said("hey jarvis, what time is it?", voice))):
        listening.hear(frame, end_sample)
    assert len(events) == 2


def test_rearm_equals_silence_heard_for_long() -> None:
    sound = room(said("hey jarvis, turn on the kitchen light"), noise=100)
    engine().rearm()
    rearmed = scores(sound)
    scores(pause(32 * 0.08))
    assert scores(sound) == rearmed
    engine().rearm()
    assert scores(sound) == rearmed
    assert max(rearmed) > 0.9


def test_nothing_older_than_the_memory_counts_after_rearm() -> None:
    """The scores of a rearmed engine become those of one that never stopped, so nothing drifts."""
    sound = room(pause(2), said("hey jarvis, turn on the kitchen light"), pause(0.5), noise=100)
    engine().rearm()
    scores(room(said("hey jarvis"), said("the harvest is early this year"), noise=500))
    uninterrupted = scores(sound)
    engine().rearm()
    rearmed = scores(sound)
    assert rearmed[REMEMBERED_FRAMES:] == pytest.approx(uninterrupted[REMEMBERED_FRAMES:], abs=1e-5)
    assert max(rearmed[REMEMBERED_FRAMES:]) > 0.9


def test_scores_are_those_of_openwakeword_as_it_is() -> None:
    engine()
    from openwakeword.model import Model

    paths = models.verified(models.default_folder(), ["hey_jarvis"])
    stock = Model(
        wakeword_models=[str(paths["hey_jarvis"])],
        inference_framework="onnx",
        melspec_model_path=str(paths["melspectrogram"]),
        embedding_model_path=str(paths["embedding_model"]),
    )
    sound = room(pause(2.2), said("hey jarvis, what time is it?", "kal16"), pause(0.5), noise=60)
    expected = [float(stock.predict(frame)["hey_jarvis_v0.1"]) for frame, _ in frames(sound)]
    engine().rearm()
    assert scores(sound)[REMEMBERED_FRAMES:] == pytest.approx(expected[REMEMBERED_FRAMES:], abs=1e-5)


@pytest.mark.parametrize(
    "frame",
    [np.zeros(1280, np.float32), np.zeros(1279, np.int16), np.zeros(2560, np.int16), np.zeros((1280, 1), np.int16)],
    ids=["floats", "short", "two frames", "two dimensions"],
)
def test_refuses_what_openwakeword_would_silently_get_wrong(frame: NDArray[np.int16]) -> None:
    with pytest.raises(ValueError, match=r"a frame is int16\[1280\]"):
        engine().score(frame)


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    """A copy of the models of hey_jarvis, to be damaged."""
    engine()
    found = models.verified(models.default_folder(), ["hey_jarvis"])
    return {name: Path(shutil.copy(path, tmp_path)) for name, path in found.items()}


def load(paths: dict[str, Path]) -> OpenWakeWordEngine:
    return OpenWakeWordEngine(paths["hey_jarvis"], paths["melspectrogram"], paths["embedding_model"])


@pytest.mark.parametrize("name", ["hey_jarvis", "melspectrogram", "embedding_model"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_broken_file_is_named(paths: dict[str, Path], name: str, share: float) -> None:
    content = paths[name].read_bytes()
    paths[name].write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError) as raised:
        load(paths)
    assert str(paths[name]) in str(raised.value)
    assert str(raised.value).endswith("delete it and run scripts/fetch-models.")


@pytest.mark.parametrize("name", ["melspectrogram", "embedding_model"])
def test_wrong_arithmetic_is_found_at_load(paths: dict[str, Path], name: str) -> None:
    content = bytearray(paths[name].read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    paths[name].write_bytes(content)
    with pytest.raises(ModelError, match="wrongly on this processor"):
        load(paths)


def test_a_word_model_that_fires_at_silence_is_refused(paths: dict[str, Path], tmp_path: Path) -> None:
    word = tmp_path / "hey_rhasspy_v0.1.onnx"
    content = (models.default_folder() / word.name).read_bytes()
    bias = b"7.bias\x4a\x04"  # ONNX: the name of the last tensor, then the tag and length of its raw data
    before, found, after = content.partition(bias)
    assert found == bias
    word.write_bytes(before + bias + struct.pack("<f", 20.0) + after[4:])
    with pytest.raises(ModelError, match=r"hey_rhasspy_v0\.1 scores 1\.00 for silence"):
        load({**paths, "hey_jarvis": word})


def test_without_the_package_the_extra_is_named(paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openwakeword.model", None)
    with pytest.raises(ModelError, match=r"install speakerd\[wake\]\.$"):
        load(paths)


def test_onnxruntime_is_told_to_send_no_telemetry() -> None:
    engine()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
