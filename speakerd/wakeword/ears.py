"""The speaker's ears: every frame is heard, always; only what follows from a score is decided elsewhere.

A frame left out would blunt the word around it (a gap of 0.2 s takes a score from 0.999 to 0.56), so nothing here looks
at what the speaker is doing.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speakerd.core.events import MicrophoneHeard, MicrophoneSilent, WakeWordHeard
from speakerd.errors import ConfigurationError, ModelError
from speakerd.ports import Post
from speakerd.settings import WakeWordSettings
from speakerd.wakeword import models
from speakerd.wakeword.clips import ClipKeeper
from speakerd.wakeword.detection import Detection, Heard, WordRule
from speakerd.wakeword.engine import FRAME_RATE_HZ, SAMPLE_RATE_HZ, Engine
from speakerd.wakeword.engines import engines
from speakerd.wakeword.health import HearingHealth, Kind
from speakerd.wakeword.night import Night, night
from speakerd.wakeword.observation import Observation, Observe, frame_level_dbfs
from speakerd.wakeword.voice import VoiceGate, WebRtcVoiceGate

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Equipment:
    """What the settings make of the ears: to be built outside the audio thread, and swapped as a whole."""

    engine: Engine
    rules: Mapping[str, WordRule]
    """In the order of the engine's words."""
    far_engine: Engine | None = None
    """Scores what our own loudspeaker plays."""
    voice: VoiceGate | None = None
    night: Night | None = None


def equipment(settings: WakeWordSettings) -> Equipment:
    """Load verified models, quickly with the default engine; raises ModelError or ConfigurationError."""
    folder = Path(settings.models_folder) if settings.models_folder else models.default_folder()
    given = [(settings.word, settings.sha256), *((other.word, other.sha256) for other in settings.others)]
    chosen = [models.chosen(folder, word, sha256) for word, sha256 in given]
    paths = {model.name: model.path for model in chosen}
    if len(paths) < len(chosen):
        twice = next(model.name for model in chosen if [other.name for other in chosen].count(model.name) > 1)
        raise ConfigurationError(f'"wake_word.others": two models are called {twice}: rename one of the files.')
    near, far = engines(settings.engine, paths, folder)
    return Equipment(
        engine=near,
        rules=dict(zip(paths, _rules(settings), strict=True)),
        far_engine=far,
        voice=WebRtcVoiceGate() if settings.voice_gate else None,
        night=night(settings.night) if settings.night else None,
    )


def ears(
    settings: WakeWordSettings,
    post: Post,
    observe: Observe | None = None,
    is_observed: Callable[[], bool] = lambda: True,
) -> WakeWordEars:
    """Ears as the settings want them; raises ModelError or ConfigurationError."""
    clips = None
    if settings.keep_clips:
        in_memory = Path(os.environ.get("RUNTIME_DIRECTORY", "/run/speakerd")) / "clips"
        folder = Path(settings.clips_folder) if settings.clips_folder else in_memory
        clips = ClipKeeper(folder, settings.keep_clips, settings.clips_days)
    return WakeWordEars(equipment(settings), post, clips=clips, observe=observe, is_observed=is_observed)


class WakeWordEars:
    """Implements ports.Ears and ports.Judge. `hear*` and `rearm` are for the audio thread only, the rest for any."""

    frames_scored: int
    """How many frames were scored; the watchdog's proof of hearing."""
    last_sample: int
    """Capture position (16 kHz samples) after the last scored frame."""

    def __init__(
        self,
        equipment: Equipment,
        post: Post,
        *,
        clips: ClipKeeper | None = None,
        observe: Observe | None = None,
        is_observed: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
        local_time: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.frames_scored = 0
        self.last_sample = 0
        self._observe = observe
        self._is_observed = is_observed
        self._equipment = self._newest = equipment
        self._detection = Detection(equipment.rules)
        self._post = post
        self._clips = clips
        self._clock = clock
        self._local_time = local_time
        self._health = HearingHealth()
        self._far_scores: NDArray[np.float32] | None = None
        """The highest since the last mic frame."""
        self._talker: bool | None = None
        """Whether a talker was heard over our own sound since the last mic frame; None while that is silent."""
        self._orders: deque[Callable[[], object]] = deque()
        """What other threads want, done before the next frame."""

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        """See Ears; posts WakeWordHeard, MicrophoneSilent and MicrophoneHeard."""
        while self._orders:
            self._orders.popleft()()
        tools = self._equipment
        scores = tools.engine.score(frame)
        self.frames_scored += 1
        self.last_sample = end_sample
        talker, self._talker = self._talker, None
        is_voice = (tools.voice is None or tools.voice.is_voice(frame)) and talker is not False
        is_night = tools.night is not None and tools.night.contains(self._local_time().time())
        heard = Heard(scores.tolist(), end_sample, is_night, is_voice, talker is not None, self._taken_far_scores())
        detected = self._detection.feed(heard)
        if self._clips is not None:
            self._clips.hear(frame)
        if detected is not None:
            self._post(WakeWordHeard(detected.word, detected.score, detected.sample))
            if self._clips is not None:
                self._clips.keep(detected.word, detected.score)
        self._look_after(frame)
        if self._observe is not None and self._is_observed():
            self._observe(self._observation(heard, frame, detected.word if detected else None))

    def hear_playout(self, frame: NDArray[np.int16]) -> None:
        """See Ears."""
        far_engine = self._equipment.far_engine
        if far_engine is not None:
            scores = far_engine.score(frame)
            known = self._far_scores
            self._far_scores = scores.copy() if known is None else np.maximum(known, scores)

    def hear_talker(self, is_there: bool) -> None:
        """See Ears."""
        self._talker = is_there or self._talker is True

    def rearm(self) -> None:
        """See Ears."""
        self._equipment.engine.rearm()
        if self._equipment.voice is not None:
            self._equipment.voice.rearm()
        self._detection.reset()
        self._health.rearm()

    def judge(self, word: str, was_wanted: bool, sample: int) -> None:
        """See Judge."""
        self._orders.append(partial(self._detection.judge, word, was_wanted, sample))

    def change(self, equipment: Equipment) -> None:
        """Go on with other equipment from the next frame on."""
        self._newest = equipment
        self._orders.append(partial(self._swap, equipment))

    def tune(self, changes: Mapping[str, Any]) -> str | None:
        """Change the thresholds of a word, or the voice gate, from the next frame on; a sentence if that cannot be."""
        wanted = dict(changes)
        rules = dict(self._newest.rules)
        word = wanted.pop("word", next(iter(rules)))
        if word not in rules:
            return f'There is no wake word "{word}" here: choose one of {", ".join(rules)}.'
        voice = self._newest.voice
        if "voice_gate" in wanted:
            try:
                voice = (voice or WebRtcVoiceGate()) if wanted.pop("voice_gate") else None
            except ModelError as error:
                return str(error)
        rules[word] = replace(rules[word], **wanted)
        self.change(replace(self._newest, rules=rules, voice=voice))
        return None

    def tell_time_by_samples(self) -> None:
        """Take the time from what is heard: recordings come faster than a microphone's sound."""
        self._clock = lambda: self.frames_scored / FRAME_RATE_HZ

    def close(self) -> None:
        """Finish writing clips; the audio thread has ended."""
        if self._clips is not None:
            self._clips.close()

    def _swap(self, equipment: Equipment) -> None:
        is_new = equipment.engine is not self._equipment.engine
        self._equipment = equipment
        self._detection.change(equipment.rules)
        self._far_scores = None
        if is_new:
            equipment.engine.rearm()

    def _taken_far_scores(self) -> list[float] | None:
        taken, self._far_scores = self._far_scores, None
        return None if taken is None else taken.tolist()

    def _look_after(self, frame: NDArray[np.int16]) -> None:
        complaint = self._health.feed(frame, self._clock())
        if complaint is None:
            return
        _log.warning("%s", complaint.sentence)
        if complaint.kind is Kind.DEAD:
            self._post(MicrophoneSilent(complaint.sentence))
        elif complaint.kind is Kind.BACK:
            self._post(MicrophoneHeard())

    def _observation(self, heard: Heard, frame: NDArray[np.int16], detected: str | None) -> Observation:
        words = self._equipment.engine.words
        thresholds = self._detection.thresholds(heard.is_night)
        scores = dict(zip(words, heard.scores, strict=True))
        return Observation(scores, thresholds, heard.end_sample, frame_level_dbfs(frame), detected)


def _rules(settings: WakeWordSettings) -> list[WordRule]:
    first = WordRule(
        threshold=settings.threshold,
        night_threshold=settings.night_threshold,
        patience_frames=settings.patience_frames,
        window_frames=settings.window_frames or settings.patience_frames,
        refractory_samples=round(settings.refractory_seconds * SAMPLE_RATE_HZ),
        adaptive_range=settings.adaptive_range,
    )
    rules = [first]
    for other in settings.others:
        patience_frames = other.patience_frames or first.patience_frames
        threshold = other.threshold or first.threshold
        rules.append(
            replace(
                first,
                threshold=threshold,
                night_threshold=max(threshold, first.night_threshold) if first.night_threshold else 0.0,
                patience_frames=patience_frames,
                window_frames=settings.window_frames or patience_frames,
            )
        )
    return rules
