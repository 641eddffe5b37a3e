"""Our engine against openWakeWord's own, on speech and on everything a microphone can do wrong."""

from __future__ import annotations

import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from speakerd.errors import ModelError
from speakerd.wakeword import models
from speakerd.wakeword.embedding import StreamingEmbedding
from speakerd.wakeword.engine import FRAME_SAMPLES
from speakerd.wakeword.mel import MelSpectrogram
from speakerd.wakeword.numpy_head import NumpyHead
from speakerd.wakeword.openwakeword_engine import OpenWakeWordEngine
from speakerd.wakeword.streaming_engine import StreamingEngine
from wakeword_sounds import Sound, pause, room, said

WORDS = ("hey_jarvis", "alexa", "hey_mycroft", "hey_rhasspy")
SETTLED = 40
"""Frames after which the reference has forgotten the ones and the noise that it starts with."""


@cache
def paths() -> dict[str, Path]:
    models.fetch(models.default_folder())
    return models.verified(models.default_folder(), WORDS)


def streaming(*words: str) -> StreamingEngine:
    heads = {word: NumpyHead(paths()[word]) for word in words}
    return StreamingEngine(heads, paths()["melspectrogram"], paths()["embedding_model"])


@cache
def reference() -> OpenWakeWordEngine:
    words = {word: paths()[word] for word in WORDS}
    return OpenWakeWordEngine(words, paths()["melspectrogram"], paths()["embedding_model"])


def all_scores(engine: StreamingEngine | OpenWakeWordEngine, sound: Sound) -> np.ndarray:
    return np.array([engine.score(frame).copy() for frame in sound.reshape(-1, FRAME_SAMPLES)])


def short_file() -> Sound:
    """A minute of words, sentences, noise, music-like tones, silence, clipping and an offset."""
    t = np.arange(3 * 16_000)
    tones = (4000 * (np.sin(t * 0.17) + np.sin(t * 0.251) * (t % 8000 < 4000))).astype(np.int16)
    spoken = [said(text, voice) for voice in ("slt", "kal16", "rms") for text in ("hey jarvis", "alexa", "hey mycroft")]
    sentence = said("the quick brown fox jumps over the lazy dog, and then some more", "awb")
    loud = np.clip(said("hey jarvis").astype(int) * 12, -32768, 32767).astype(np.int16)
    offset = (said("hey jarvis", "rms") + 9000).astype(np.int16)
    parts = [part for word in spoken for part in (pause(0.7), word)]
    return room(pause(1), *parts, pause(2), sentence, tones, loud, pause(0.5), offset, pause(1))


def test_scores_are_those_of_openwakeword() -> None:
    sound = short_file()
    ours, theirs = streaming(*WORDS), reference()
    ours.rearm()
    theirs.rearm()
    mine, wanted = all_scores(ours, sound), all_scores(theirs, sound)
    assert len(mine) > 300
    assert np.abs(mine - wanted)[SETTLED:].max() < 1e-4
    assert ((mine >= 0.5) == (wanted >= 0.5)).all()
    assert (wanted[:, 0] > 0.9).sum() > 10, "the sound holds words that are heard"


def test_each_frame_costs_no_memory() -> None:
    engine = streaming(*WORDS[:3])
    frames = room(said("hey jarvis"), pause(2)).reshape(-1, FRAME_SAMPLES)
    for frame in frames[:20]:
        engine.score(frame)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for frame in frames[20:]:
            engine.score(frame)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 8192, "only Python's small objects: no array is made for a frame"
    assert after - before < 4096


def test_a_rearmed_engine_is_a_fresh_engine() -> None:
    used, fresh = streaming("hey_jarvis"), streaming("hey_jarvis")
    all_scores(used, room(pause(0.4), said("hey jarvis, turn on the light")))
    used.rearm()
    fresh.rearm()
    sound = room(pause(0.3), said("hey jarvis"), pause(0.6), seed=3)
    assert (all_scores(used, sound) == all_scores(fresh, sound)).all()


def test_nothing_drifts_in_ten_minutes_of_quiet() -> None:
    engine, fresh = streaming("hey_jarvis"), streaming("hey_jarvis")
    rng = np.random.default_rng(5)
    quiet = rng.integers(-2, 3, (64, FRAME_SAMPLES)).astype(np.int16)
    for number in range(600 * 16_000 // FRAME_SAMPLES):
        assert engine.score(quiet[number % 64])[0] < 0.1
    sound = room(pause(2.2), said("hey jarvis"), pause(0.5))
    fresh.rearm()
    old, new = all_scores(engine, sound), all_scores(fresh, sound)
    assert (old[engine.memory_frames :] == new[engine.memory_frames :]).all()
    assert old.max() > 0.9


def loudest(sound: Sound) -> float:
    engine = streaming("hey_jarvis")
    engine.rearm()
    return float(all_scores(engine, sound).max())


def gap(sound: Sound, seconds: float) -> Sound:
    """A piece out of the middle is lost."""
    lost = round(seconds * 16_000)
    return np.concatenate((sound[: len(sound) // 2], sound[len(sound) // 2 + lost :]))


@pytest.mark.parametrize(
    ("story", "lowest", "highest"),
    [
        ("as it is", 0.95, 1.0),
        ("clipped by 20 dB", 0.5, 1.0),
        ("on an offset of half the scale", 0.5, 1.0),
        ("with a gap of 0.3 s in the word", 0.0, 0.95),
        ("captured at 48 kHz and taken for 16 kHz", 0.0, 0.1),
        ("digital silence", 0.0, 0.01),
        ("stuck at full scale", 0.0, 0.1),
        ("white noise at -10 dBFS", 0.0, 0.1),
    ],
)
def test_what_a_microphone_can_do_wrong(story: str, lowest: float, highest: float) -> None:
    word = room(pause(1), said("hey jarvis"), pause(1))
    middle = room(pause(1), gap(said("hey jarvis"), 0.3), pause(1))
    fast = np.repeat(word, 3)
    sounds = {
        "as it is": word,
        "clipped by 20 dB": np.clip(word.astype(int) * 10, -32768, 32767).astype(np.int16),
        "on an offset of half the scale": (word + 16_000).astype(np.int16),
        "with a gap of 0.3 s in the word": middle,
        "captured at 48 kHz and taken for 16 kHz": fast[: len(fast) // FRAME_SAMPLES * FRAME_SAMPLES],
        "digital silence": np.zeros(100 * FRAME_SAMPLES, np.int16),
        "stuck at full scale": np.full(100 * FRAME_SAMPLES, 32767, np.int16),
        "white noise at -10 dBFS": room(pause(6), noise=10_000),
    }
    assert lowest <= loudest(sounds[story]) <= highest


@pytest.mark.parametrize(
    "frame",
    [np.zeros(1280, np.float32), np.zeros(1279, np.int16), np.zeros((1280, 1), np.int16), np.zeros(0, np.int16)],
)
def test_other_arrays_are_refused(frame: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a frame is int16\[1280\], not "):
        streaming("hey_jarvis").score(frame)


def test_swapped_front_end_files_are_refused() -> None:
    mel, embedding = paths()["melspectrogram"], paths()["embedding_model"]
    with pytest.raises(ModelError, match="is not openWakeWord's mel spectrogram"):
        MelSpectrogram(embedding)
    with pytest.raises(ModelError, match="is not openWakeWord's embedding model"):
        StreamingEmbedding(mel)
