from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.core.events import Event, WakeWordHeard
from speakerd.errors import ModelError
from speakerd.settings import WakeWordSettings
from speakerd.wakeword import models
from speakerd.wakeword.ears import WakeWordEars, ears
from wakeword_speech import engine, frames, pause, room, said

FRAME = np.zeros(1280, np.int16)


class ScriptedEngine:
    """Gives scores from a list and counts what it was asked."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = scores
        self.frames_heard = 0
        self.rearmed = 0

    def score(self, frame: NDArray[np.int16]) -> float:
        assert frame.shape == (1280,)
        self.frames_heard += 1
        return self.scores.pop(0)

    def rearm(self) -> None:
        self.rearmed += 1


def test_reports_word_peak_and_position() -> None:
    posted: list[Event] = []
    listening = WakeWordEars(
        WakeWordSettings("alexa", patience_frames=2), ScriptedEngine([0.1, 0.9, 0.6]), posted.append
    )
    for end_sample in (1280, 2560, 3840):
        listening.hear(FRAME, end_sample)
    assert posted == [WakeWordHeard("alexa", 0.9, 3840)]


def test_scores_and_shows_every_frame_even_in_the_refractory() -> None:
    seen: list[tuple[float, int]] = []
    script = [0.9, 0.9, 0.9, 0.1, 0.9, 0.9]
    scripted = ScriptedEngine(list(script))
    posted: list[Event] = []
    listening = WakeWordEars(
        WakeWordSettings(), scripted, posted.append, lambda score, sample: seen.append((score, sample))
    )
    for number in range(1, 7):
        listening.hear(FRAME, number * 1280)
        assert (listening.frames_scored, listening.last_sample) == (number, number * 1280)
    assert seen == [(score, number * 1280) for number, score in enumerate(script, 1)]
    assert scripted.frames_heard == 6
    assert len(posted) == 1


@pytest.mark.parametrize(("refractory_seconds", "detections"), [(0.24, 2), (0.25, 1)])
def test_refractory_is_counted_in_samples(refractory_seconds: float, detections: int) -> None:
    posted: list[Event] = []
    settings = WakeWordSettings(patience_frames=1, refractory_seconds=refractory_seconds)
    listening = WakeWordEars(settings, ScriptedEngine([0.9, 0.1, 0.1, 0.9, 0.1]), posted.append)
    for number in range(1, 6):
        listening.hear(FRAME, number * 1280)
    assert len(posted) == detections


def test_rearm_reaches_the_engine_and_the_detection() -> None:
    posted: list[Event] = []
    scripted = ScriptedEngine([0.9, 0.9, 0.9, 0.9])
    listening = WakeWordEars(WakeWordSettings(), scripted, posted.append)
    listening.hear(FRAME, 900_000)
    listening.hear(FRAME, 901_280)
    listening.rearm()
    assert scripted.rearmed == 1
    listening.hear(FRAME, 1280)
    listening.hear(FRAME, 2560)
    assert [event.sample for event in posted if isinstance(event, WakeWordHeard)] == [901_280, 2560]
    assert listening.frames_scored == 4


def test_ears_from_settings_hear_a_wake_word() -> None:
    engine()  # fetches the models
    posted: list[Event] = []
    listening = ears(WakeWordSettings(models_folder=str(models.default_folder())), posted.append)
    for frame, end_sample in frames(room(pause(0.8), said("hey jarvis, what time is it?"), pause(0.4))):
        listening.hear(frame, end_sample)
    (event,) = posted
    assert isinstance(event, WakeWordHeard)
    assert event.word == "hey_jarvis"
    assert 0.5 <= event.score <= 1
    assert 0.8 * 16_000 < event.sample < 2.4 * 16_000


def test_ears_without_models_say_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"hey_jarvis_v0\.1\.onnx is missing in .*run scripts/fetch-models"):
        ears(WakeWordSettings(models_folder=str(tmp_path)), lambda _: None)


def test_the_engine_is_imported_only_when_it_is_loaded() -> None:
    script = (
        "import sys, speakerd.wakeword.ears\n"
        "sys.exit(' '.join({'openwakeword', 'onnxruntime', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.stderr.strip() == ""
