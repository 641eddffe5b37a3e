from __future__ import annotations

import os
import shutil
import struct
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.errors import ModelError
from speakerd.wakeword import models
from speakerd.wakeword.openwakeword_engine import OpenWakeWordEngine
from wakeword_sounds import frames, pause, room, said

WORDS = ("hey_jarvis", "alexa", "hey_rhasspy")
VOICES = ["slt", "kal16", "rms"]
REMEMBERED_FRAMES = 26
"""Frames on which a score depends: 10 of the embedding's window and 16 features."""


@cache
def engine() -> OpenWakeWordEngine:
    """The one engine for three words."""
    models.fetch(models.default_folder())
    paths = models.verified(models.default_folder(), WORDS)
    return OpenWakeWordEngine({word: paths[word] for word in WORDS}, paths["melspectrogram"], paths["embedding_model"])


def scores(sound: NDArray[np.int16]) -> NDArray[np.float32]:
    """float32[frames, words]; the engine goes on from what it heard before."""
    return np.array([engine().score(frame).copy() for frame, _ in frames(sound)])


def jarvis(sound: NDArray[np.int16]) -> list[float]:
    return [float(score) for score in scores(sound)[:, 0]]


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("text", ["hey jarvis", "hey jarvis, turn on the kitchen light"])
def test_hears_the_wake_word_and_no_other(text: str, voice: str) -> None:
    engine().rearm()
    heard = scores(room(pause(0.8), said(text, voice), pause(1.2))).max(axis=0)
    assert heard[0] >= 0.5
    assert max(heard[1:]) < 0.1


@pytest.mark.parametrize(("word", "text"), [("alexa", "alexa, what time is it?"), ("hey_rhasspy", "hey rhasspy.")])
def test_each_score_stands_at_its_words_place(word: str, text: str) -> None:
    engine().rearm()
    heard = scores(room(pause(0.8), said(text), pause(0.8))).max(axis=0)
    assert engine().words == WORDS
    assert WORDS[int(heard.argmax())] == word
    assert heard.max() >= 0.5


def test_scores_are_written_into_one_array() -> None:
    silence = np.zeros(1280, np.int16)
    first = engine().score(silence)
    assert first.dtype == np.float32
    assert engine().score(silence) is first


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("text", ["turn on the kitchen light", "hey siri, what time is it", "hey google"])
def test_other_sentences_score_low(text: str, voice: str) -> None:
    engine().rearm()
    assert max(jarvis(room(pause(0.5), said(text, voice), pause(0.8)))) < 0.1


@pytest.mark.parametrize("noise", [0, 30, 8000])
def test_silence_and_noise_score_low_from_the_first_frame(noise: float) -> None:
    engine().rearm()
    assert scores(room(pause(4), noise=noise)).max() < 0.1


AFTERWARDS = {
    "silence": pause(3),
    "noise": room(pause(3), noise=300, seed=7),
    "rest of the utterance": said("turn on the kitchen light"),
    "other speech": said("good morning everybody, did you sleep well", "rms"),
    "other command": said("what is the weather tomorrow", "kal16"),
}


def stop_at_a_hit() -> None:
    """Leave the engine at the first frame that scores."""
    engine().rearm()
    for frame, _ in frames(room(pause(0.8), said("hey jarvis"), pause(1.2))):
        if engine().score(frame)[0] >= 0.5:
            return
    raise AssertionError("the wake word was not heard")


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_rearm_keeps_an_old_wake_word_from_firing_again(afterwards: str) -> None:
    stop_at_a_hit()
    engine().rearm()
    assert max(jarvis(room(AFTERWARDS[afterwards]))) < 0.5


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_without_rearm_an_old_wake_word_fires_again(afterwards: str) -> None:
    """Why rearm exists: openWakeWord discussion #141."""
    stop_at_a_hit()
    assert max(jarvis(room(AFTERWARDS[afterwards]))) >= 0.5


@pytest.mark.parametrize("delay_seconds", [0, 0.04, 0.4, 1.6])
@pytest.mark.parametrize("voice", VOICES)
def test_hears_a_wake_word_right_after_rearm(voice: str, delay_seconds: float) -> None:
    stop_at_a_hit()
    engine().rearm()
    assert max(jarvis(room(pause(delay_seconds), said("hey jarvis, what time is it?", voice)))) >= 0.5


def test_rearm_equals_silence_heard_for_long() -> None:
    sound = room(said("hey jarvis, turn on the kitchen light"), noise=100)
    engine().rearm()
    rearmed = jarvis(sound)
    jarvis(pause(32 * 0.08))
    assert jarvis(sound) == rearmed
    engine().rearm()
    assert jarvis(sound) == rearmed
    assert max(rearmed) > 0.9


def test_nothing_older_than_the_memory_counts_after_rearm() -> None:
    """The scores of a rearmed engine become those of one that never stopped, so nothing drifts."""
    sound = room(pause(2), said("hey jarvis, turn on the kitchen light"), pause(0.5), noise=100)
    engine().rearm()
    jarvis(room(said("hey jarvis"), said("the harvest is early this year"), noise=500))
    uninterrupted = jarvis(sound)
    engine().rearm()
    rearmed = jarvis(sound)
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
    assert jarvis(sound)[REMEMBERED_FRAMES:] == pytest.approx(expected[REMEMBERED_FRAMES:], abs=1e-5)


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
    models.fetch(models.default_folder())
    found = models.verified(models.default_folder(), ["hey_jarvis"])
    return {name: Path(shutil.copy(path, tmp_path)) for name, path in found.items()}


def load(paths: dict[str, Path]) -> OpenWakeWordEngine:
    return OpenWakeWordEngine({"hey_jarvis": paths["hey_jarvis"]}, paths["melspectrogram"], paths["embedding_model"])


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
    with pytest.raises(ModelError, match=r"hey_jarvis scores 1\.00 for silence"):
        load({**paths, "hey_jarvis": word})


def test_a_tflite_word_is_refused(paths: dict[str, Path]) -> None:
    word = paths["hey_jarvis"].rename(paths["hey_jarvis"].with_suffix(".tflite"))
    with pytest.raises(ModelError, match=r"takes \.onnx only, and hey_jarvis is .*\.tflite: choose engine"):
        load({**paths, "hey_jarvis": word})


def test_two_files_of_one_name_are_refused(paths: dict[str, Path], tmp_path: Path) -> None:
    """One file name is one model in openWakeWord: it would answer both with the scores of the last."""
    other = tmp_path / "other"
    other.mkdir()
    second = Path(shutil.copy(paths["hey_jarvis"], other))
    words = {"one": paths["hey_jarvis"], "two": second}
    with pytest.raises(ModelError, match="have one file name"):
        OpenWakeWordEngine(words, paths["melspectrogram"], paths["embedding_model"])


def test_without_the_package_the_extra_is_named(paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openwakeword.model", None)
    with pytest.raises(ModelError, match=r"install speakerd\[openwakeword\]\.$"):
        load(paths)


def test_onnxruntime_is_told_to_send_no_telemetry() -> None:
    engine()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
