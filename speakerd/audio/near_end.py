"""What the microphone hears of the room, made of what it sends: our own sound taken out, at the rates that are wanted.

The canceller works only while our own sound may be heard; in between the sound passes as it is, late by the same few
milliseconds, so that nothing shifts when it begins and ends. Without a canceller (the card cancels its own echo, or
there is none) every sample passes at once and unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.barge_in import BargeIn, Frame, Talker
from speakerd.audio.echo import EchoCanceller
from speakerd.audio.pcm import SESSION_RATE_HZ, rms_dbfs
from speakerd.audio.resample import Resampler
from speakerd.audio.voice import VoiceDetector
from speakerd.audio.word_path import WordPath

_FRAMES_A_SECOND = 100
_LINGER_FRAMES = 120
"""How long after our last sound its echo may still come: the card's buffers, the way, the reverberation."""
_WARMING_FRAMES = 2
"""What the canceller holds from the last time has left it by then; no echo has come yet."""

Sound = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Heard:
    """What one piece of sound came to."""

    session: Sound
    """Mono at 24 kHz, for the uplink."""
    wake: Sound
    """Mono at 16 kHz, for the wake word."""
    far_wake: Sound
    """Our own sound at 16 kHz; empty while there is none."""
    talkers: tuple[Talker, ...] = ()
    """What was learnt of a talker over our own sound, in order."""
    is_talker: bool | None = None
    """Whether somebody may be speaking over our own sound; None while it cannot be heard."""
    levels: tuple[tuple[float, bool], ...] = field(default=())
    """Of each 10 ms, where voice is wanted: its level in dBFS, and whether it sounds like a voice."""


class NearEnd:
    """One run of the capture stream; audio thread only."""

    def __init__(self, rate_hz: int, *, cancels_echo: bool) -> None:
        self._frame_samples = rate_hz // _FRAMES_A_SECOND
        self._to_session = Resampler(rate_hz, SESSION_RATE_HZ)
        self._words = WordPath(rate_hz)
        self._canceller = EchoCanceller(rate_hz) if cancels_echo else None
        self._delayed = np.zeros(self._canceller.delay_samples if self._canceller else 0, np.int16)
        self._near = self._far = np.zeros(0, np.int16)
        self._voice = VoiceDetector(rate_hz)
        self._barge_in = BargeIn()
        self._active_frames = 0
        """How long the canceller has been at work; 0 means that it rests."""
        self._silent_frames = 0
        self.wants_voice = False
        """Whether levels are to be told while our own sound is not heard, too."""

    @property
    def echo_delay_ms(self) -> float | None:
        """How long our own sound takes until the microphone hears it; None until it is known."""
        return self._words.delay_ms

    def process(self, near: Sound, far: Sound, *, was_lost: bool = False) -> Heard:
        """Take the next samples at the card's rate, and what is played beside them (empty: silence).

        `was_lost`: samples are missing just before these, in one direction or the other.
        """
        if was_lost:
            self._barge_in.samples_lost()
        if self._canceller is None and not self.wants_voice:
            return self._unchanged(near, far)
        together = [self._frame(*pair) for pair in self._frames(near, far)]
        if not together:
            nothing = np.zeros(0, np.int16)
            return Heard(nothing, nothing, nothing)
        return Heard(
            session=np.concatenate([heard.session for heard in together]),
            wake=np.concatenate([heard.wake for heard in together]),
            far_wake=np.concatenate([heard.far_wake for heard in together]),
            talkers=tuple(talker for heard in together for talker in heard.talkers),
            is_talker=_any(heard.is_talker for heard in together),
            levels=tuple(level for heard in together for level in heard.levels),
        )

    def _unchanged(self, near: Sound, far: Sound) -> Heard:
        wake, far_wake = self._words.process(near, far, subtracts=False)
        return Heard(self._to_session.process(near), wake, far_wake)

    def _frames(self, near: Sound, far: Sound) -> Iterator[tuple[Sound, Sound]]:
        """Pieces of 10 ms; the far end's are empty where it is silent."""
        size = self._frame_samples
        if not len(self._near) and len(near) == size:
            yield near, far
            return
        far = far if len(far) else np.zeros(len(near), np.int16)
        self._near, self._far = np.concatenate((self._near, near)), np.concatenate((self._far, far))
        while len(self._near) >= size:
            first, second = self._near[:size], self._far[:size]
            self._near, self._far = self._near[size:], self._far[size:]
            yield first, second if second.any() else second[:0]

    def _frame(self, near: Sound, far: Sound) -> Heard:
        canceller = self._canceller
        line = np.concatenate((self._delayed, near))
        passed, self._delayed = line[: len(near)], line[len(near) :]
        self._look_at_far_end(len(far) > 0)
        if canceller is None or not self._active_frames:
            wake, far_wake = self._words.process(passed, far, subtracts=False)
            ended = self._barge_in.end()
            levels = ((rms_dbfs(passed), self._voice.is_voice(passed)),) if self.wants_voice else ()
            talkers = () if ended is None else (ended,)
            return Heard(self._to_session.process(passed), wake, far_wake, talkers, levels=levels)
        played = far if len(far) else np.zeros(len(near), np.int16)
        clean = canceller.process(near, played)
        if self._active_frames <= _WARMING_FRAMES:
            clean = passed
        wake, far_wake = self._words.process(passed, played, subtracts=True)
        level_dbfs, is_voice = rms_dbfs(clean), self._voice.is_voice(clean)
        changed = None
        if self._active_frames > _WARMING_FRAMES:
            changed = self._barge_in.feed(Frame(rms_dbfs(passed), level_dbfs, is_voice))
        return Heard(
            self._to_session.process(clean),
            wake,
            far_wake,
            () if changed is None else (changed,),
            self._barge_in.is_loud or self._barge_in.talker is Talker.HEARD,
            ((level_dbfs, is_voice),) if self.wants_voice else (),
        )

    def _look_at_far_end(self, sounds: bool) -> None:
        self._silent_frames = 0 if sounds else self._silent_frames + 1
        if sounds or (self._active_frames and self._silent_frames <= _LINGER_FRAMES):
            self._active_frames += 1
        else:
            self._active_frames = 0


def _any(answers: Iterator[bool | None]) -> bool | None:
    known = [answer for answer in answers if answer is not None]
    return any(known) if known else None
