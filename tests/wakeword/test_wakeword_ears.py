"""The ears with a scripted engine: what reaches whom, frame by frame."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.core.events import Event, MicrophoneHeard, MicrophoneSilent, WakeWordHeard
from speakerd.errors import ConfigurationError, ModelError
from speakerd.settings import OtherWord, WakeWordSettings
from speakerd.wakeword.detection import WordRule
from speakerd.wakeword.ears import Equipment, WakeWordEars, ears, equipment
from speakerd.wakeword.night import night
from speakerd.wakeword.observation import Observation

NOISE = np.random.default_rng(1).integers(-500, 500, 1280).astype(np.int16)
RULE = WordRule(0.5, 0.0, patience_frames=1, window_frames=1, refractory_samples=3000, adaptive_range=0.0)


class ScriptedEngine:
    """Gives scores from a list, then zeros, and counts what it was asked."""

    def __init__(self, *scores: float, words: tuple[str, ...] = ("hey_jarvis",)) -> None:
        self.words = words
        self.scores = list(scores)
        self.frames_heard = 0
        self.rearmed = 0

    def score(self, frame: NDArray[np.int16]) -> NDArray[np.float32]:
        assert frame.shape == (1280,)
        self.frames_heard += 1
        return np.full(len(self.words), self.scores.pop(0) if self.scores else 0.0, np.float32)

    def rearm(self) -> None:
        self.rearmed += 1


class ScriptedVoice:
    """Hears a voice, or not."""

    def __init__(self, hears: bool) -> None:
        self.hears = hears

    def is_voice(self, frame: NDArray[np.int16]) -> bool:
        return self.hears

    def rearm(self) -> None:
        """Nothing is remembered."""


class Listener:
    """Ears on scripted equipment, and all that they do."""

    def __init__(self, equipment: Equipment, local_time: Callable[[], datetime] = datetime.now) -> None:
        self.events: list[Event] = []
        self.seen: list[Observation] = []
        self.is_watching = True
        self.seconds = 0.0
        self.end_sample = 0
        self.ears = WakeWordEars(
            equipment,
            self.events.append,
            observe=self.seen.append,
            is_observed=lambda: self.is_watching,
            clock=lambda: self.seconds,
            local_time=local_time,
        )

    def hear(self, frames: int = 1, frame: NDArray[np.int16] = NOISE) -> None:
        for _ in range(frames):
            self.seconds += 0.08
            self.end_sample += 1280
            self.ears.hear(frame, self.end_sample)

    @property
    def wakes(self) -> list[tuple[str, int]]:
        return [(event.word, event.sample) for event in self.events if isinstance(event, WakeWordHeard)]


def scripted(*scores: float) -> Equipment:
    return Equipment(ScriptedEngine(*scores), {"hey_jarvis": RULE})


def test_reports_word_score_and_position() -> None:
    listener = Listener(scripted(0.1, 0.75))
    listener.hear(2)
    assert listener.events == [WakeWordHeard("hey_jarvis", 0.75, 2560)]


def test_every_frame_is_scored_and_shown_even_in_the_refractory() -> None:
    equipment = scripted(0.75, 0.25, 0.25, 0.75)
    listener = Listener(equipment)
    listener.hear(4)
    assert [observation.scores["hey_jarvis"] for observation in listener.seen] == [0.75, 0.25, 0.25, 0.75]
    assert [observation.detected for observation in listener.seen] == ["hey_jarvis", None, None, "hey_jarvis"]
    assert (listener.ears.frames_scored, listener.ears.last_sample) == (4, 5120)
    assert listener.seen[0].thresholds == {"hey_jarvis": 0.5}
    assert -40 < listener.seen[0].level_dbfs < -30


def test_nothing_is_made_for_observers_who_do_not_look() -> None:
    listener = Listener(scripted())
    listener.is_watching = False
    listener.hear(3)
    assert listener.seen == []


def test_rearm_reaches_the_engine_and_the_detection() -> None:
    equipment = scripted(0.75, 0.75)
    listener = Listener(equipment)
    listener.hear()
    listener.ears.rearm()
    listener.hear()
    assert equipment.engine.rearmed == 1  # type: ignore[attr-defined]  # it is scripted
    assert len(listener.wakes) == 2, "the refractory is forgotten, too"


@pytest.mark.parametrize(("hour", "wakes"), [(3, 0), (12, 1)])
def test_at_night_another_threshold_counts(hour: int, wakes: int) -> None:
    rule = replace(RULE, night_threshold=0.9)
    equipment = Equipment(ScriptedEngine(0.75), {"hey_jarvis": rule}, night=night("22:00-07:00"))
    listener = Listener(equipment, lambda: datetime(2026, 11, 23, hour))
    listener.hear(2)
    assert len(listener.wakes) == wakes


@pytest.mark.parametrize("hears", [True, False])
def test_the_voice_gate_has_its_say(hears: bool) -> None:
    listener = Listener(replace(scripted(0.75), voice=ScriptedVoice(hears)))
    listener.hear(2)
    assert bool(listener.wakes) == hears


@pytest.mark.parametrize(("far_score", "wakes"), [(0.75, 0), (0.1, 1)])
def test_what_our_loudspeaker_says_does_not_wake_us(far_score: float, wakes: int) -> None:
    listener = Listener(replace(scripted(0.0, 0.0, 0.75), far_engine=ScriptedEngine(0.0, far_score, 0.0)))
    for _ in range(3):
        listener.ears.hear_playout(NOISE)
    listener.hear(4)
    assert len(listener.wakes) == wakes


@pytest.mark.parametrize(
    ("told", "score", "wakes"),
    [
        pytest.param([], 0.75, 1, id="nothing plays"),
        pytest.param([], 0.3, 0, id="nothing plays, and it was not quite the word"),
        pytest.param([False], 0.75, 0, id="our own sound says it"),
        pytest.param([True], 0.75, 1, id="somebody says it over our own sound"),
        pytest.param([True], 0.3, 1, id="over our own sound less is enough"),
        pytest.param([True], 0.29, 0, id="but not nothing"),
        pytest.param([True, False, False, False], 0.3, 1, id="somebody in a part of the frame"),
        pytest.param([False, False, False, True], 0.3, 1, id="in another part"),
    ],
)
def test_over_our_own_sound_a_word_needs_a_talker(told: list[bool], score: float, wakes: int) -> None:
    listener = Listener(scripted(score))
    for is_there in told:
        listener.ears.hear_talker(is_there)
    listener.hear()
    assert len(listener.wakes) == wakes


@pytest.mark.parametrize(("frames_since_talker", "wakes"), [(7, 1), (8, 0)])
def test_a_score_may_come_a_little_after_its_talker(frames_since_talker: int, wakes: int) -> None:
    listener = Listener(scripted(*[0.0] * frames_since_talker, 0.75))
    for number in range(frames_since_talker + 1):
        listener.ears.hear_talker(number == 0)
        listener.hear()
    assert len(listener.wakes) == wakes


def test_what_is_told_of_a_talker_counts_for_one_frame() -> None:
    listener = Listener(scripted(0.0, 0.3, 0.0, 0.0, 0.75))
    listener.ears.hear_talker(True)
    listener.hear(2)
    assert listener.wakes == [], "our own sound is over: all of the threshold is needed"
    listener.hear(3)
    assert len(listener.wakes) == 1


def test_a_talker_does_not_overrule_the_voice_gate() -> None:
    listener = Listener(replace(scripted(0.75), voice=ScriptedVoice(False)))
    listener.ears.hear_talker(True)
    listener.hear()
    assert listener.wakes == []


def test_a_dead_microphone_is_reported_within_ten_seconds_and_so_is_its_return() -> None:
    listener = Listener(scripted())
    listener.hear(25)
    listener.hear(125, np.zeros(1280, np.int16))
    (silent,) = listener.events
    assert isinstance(silent, MicrophoneSilent)
    assert "mute switch" in silent.reason
    listener.hear(2)
    assert listener.events == [silent, MicrophoneHeard()]


def test_new_equipment_counts_from_the_next_frame() -> None:
    listener = Listener(scripted(0.3, 0.3))
    listener.hear()
    other = Equipment(ScriptedEngine(0.3, words=("alexa",)), {"alexa": replace(RULE, threshold=0.2)})
    listener.ears.change(other)
    listener.hear()
    assert listener.wakes == [("alexa", 2560)]


def test_thresholds_are_tuned_while_it_listens() -> None:
    listener = Listener(scripted(0.3, 0.3, 0.0, 0.0, 0.3))
    listener.hear()
    assert listener.ears.tune({"threshold": 0.2}) is None
    listener.hear()
    assert listener.ears.tune({"word": "hey_jarvis", "threshold": 0.6, "voice_gate": False}) is None
    listener.hear(3)
    assert listener.wakes == [("hey_jarvis", 2560)]
    assert listener.ears.tune({"word": "alexa", "threshold": 0.2}) == (
        'There is no wake word "alexa" here: choose one of hey_jarvis.'
    )


def test_a_verdict_moves_an_adaptive_threshold() -> None:
    rule = replace(RULE, adaptive_range=0.2)
    listener = Listener(Equipment(ScriptedEngine(0.75), {"hey_jarvis": rule}))
    listener.hear()
    listener.ears.judge("hey_jarvis", False, 1280)
    listener.hear()
    before, after = (seen.thresholds["hey_jarvis"] for seen in listener.seen)
    assert before < after <= before + 0.2


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        (WakeWordSettings(models_folder="/nowhere"), ModelError, r"hey_jarvis_v0\.1\.onnx is missing in /nowhere"),
        (WakeWordSettings("hey_jarviss"), ModelError, r'did you mean "hey_jarvis"'),
        (WakeWordSettings(night="late"), ConfigurationError, r'"wake_word.night" cannot be .late.'),
    ],
)
def test_what_cannot_be_is_said(settings: WakeWordSettings, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        equipment(settings)


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    from test_wakeword_streaming import paths

    copy = tmp_path / "hey_jarvis.onnx"
    copy.write_bytes(paths()["hey_jarvis"].read_bytes())
    with pytest.raises(ConfigurationError, match="two models are called hey_jarvis"):
        equipment(WakeWordSettings(others=(OtherWord(str(copy)),)))


def test_clips_are_kept_only_if_asked(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    for most in (0, 2):
        listening = ears(WakeWordSettings(keep_clips=most, clips_folder=str(folder)), lambda _: None)
        listening.hear(NOISE, 1280)
        listening.close()
        assert not list(folder.glob("*.wav"))


def test_the_default_ears_import_no_inference_runtime() -> None:
    script = (
        "import sys; from speakerd.wakeword.ears import equipment; from speakerd.settings import WakeWordSettings\n"
        "equipment(WakeWordSettings())\n"
        "heavy = {'openwakeword', 'onnxruntime', 'scipy', 'sklearn', 'ai_edge_litert', 'webrtcvad'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.stderr.strip() == ""


@pytest.mark.parametrize(("by_samples", "complaints"), [(True, 0), (False, 1)])
def test_recordings_in_fast_time_have_the_right_rate(
    by_samples: bool, complaints: int, caplog: pytest.LogCaptureFixture
) -> None:
    listening = WakeWordEars(scripted(), lambda _: None, clock=lambda: listening.frames_scored * 0.03)
    if by_samples:
        listening.tell_time_by_samples()
    for number in range(1, 1000):
        listening.hear(NOISE, number * 1280)
    assert len(caplog.messages) == complaints
