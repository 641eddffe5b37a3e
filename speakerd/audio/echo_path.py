"""Our own sound taken out of what the microphone hears, and whether somebody speaks over it.

The cancellers work only while our own sound may be heard; in between the sound passes as it is, late by the same few
milliseconds, so that nothing shifts when they begin and end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.barge_in import BargeIn, Talker
from speakerd.audio.echo import DELAY_SAMPLES, EchoCanceller
from speakerd.audio.far_end import FarEnd
from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, frames_dbfs
from speakerd.audio.splice import Splice
from speakerd.audio.voice import FRAME_SAMPLES, Levels, PatientDetector
from speakerd.audio.word_path import WordPath

_LINGER_FRAMES = 120
"""How long after our last sound its echo may still come: the card's buffers, the way, the reverberation."""
_WARMING_FRAMES = 4
"""What the canceller holds from the last time has left it by then; no echo has come yet."""

Sound = NDArray[np.int16]


class Heard(NamedTuple):
    """What one piece of sound came to."""

    session: Sound
    """Mono at 24 kHz, for the uplink."""
    wake: Sound
    """Mono at 16 kHz, for the wake word."""
    far_wake: Sound
    """Our own sound at 16 kHz; empty while there is none."""
    near: Sound
    """Mono at 16 kHz as the microphone sent it."""
    clean: Sound
    """The same instants, our own sound taken out: what a talker over it is found in."""
    talkers: tuple[Talker, ...] = ()
    """What was learnt of a talker over our own sound, in order."""
    is_talker: bool | None = None
    """Whether somebody may be speaking over our own sound; None while that cannot be heard."""
    is_urgent: bool = False
    """Whether a talker may just begin, so that the next piece should come soon."""
    levels: tuple[tuple[float, bool], ...] = ()
    """Of each 10 ms, where they are wanted: its level in dBFS, and whether it sounds like a voice."""


Observe = Callable[[Heard], None]
"""Takes what each piece came to; called in the audio thread."""


class EchoPath:
    """One run of the capture stream; audio thread only."""

    def __init__(self, rate_hz: int, resampler_seconds: float, *, hears_words: bool = True) -> None:
        """`resampler_seconds` is what the way to 16 kHz holds back: made up for by silence, frames come in time.

        Without `hears_words` nothing is made for a wake word while our own sound may be heard.
        """
        missing = 2 * math.ceil(resampler_seconds * WAKE_RATE_HZ / 2)
        self._rate_hz = rate_hz
        self._near = np.zeros(missing, np.int16)
        self._far = np.zeros(0, np.int16)
        self._late = np.zeros(DELAY_SAMPLES, np.int16)
        """The last of the near end, which the cancellers have not let out yet."""
        self._late_session = np.zeros((DELAY_SAMPLES + missing) * SESSION_RATE_HZ // WAKE_RATE_HZ, np.int16)
        self._position = 0
        """Of the next frame, in samples at 16 kHz."""
        self._far_end = FarEnd(rate_hz)
        self._canceller = EchoCanceller()
        self._words = WordPath() if hears_words else None
        self._levels = Levels()
        self._voice = PatientDetector()
        self._barge_in = BargeIn()
        self._splice = Splice()
        self._active_frames = 0
        """How long the cancellers have been at work; 0 means that they rest."""
        self._silent_frames = 0

    @property
    def echo_delay_ms(self) -> float | None:
        """How long our own sound takes until the microphone hears it; None until it is known."""
        known_ms = self._words.delay_ms if self._words else None
        return None if known_ms is None else max(0.0, known_ms - DELAY_SAMPLES * 1000 / WAKE_RATE_HZ)

    def needs_session(self, *, sounds: bool) -> bool:
        """Whether the next of the near end at 24 kHz will be heard, if our own sound plays beside it or not.

        Not while the canceller's own sound takes its place, which goes on for longer than the splice looks back.
        """
        return not sounds or self._splice.needs_plain

    def samples_lost(self) -> None:
        """Samples are missing before the next ones, in one direction or the other."""
        self._barge_in.samples_lost()

    def process(self, session: Sound, near: Sound, far: Sound, *, wants_levels: bool) -> Heard:
        """Take the next of the near end at 24 and 16 kHz, and of the far end at the card's rate (empty: silence)."""
        line = np.concatenate((self._late_session, session))
        plain, self._late_session = line[: len(session)], line[len(session) :]
        held = len(self._near)
        together = np.concatenate((self._near, near))
        whole = len(together) // FRAME_SAMPLES * FRAME_SAMPLES
        frames, self._near = together[:whole], together[whole:]
        line = np.concatenate((self._late, frames))
        passed, self._late = line[:whole], line[whole:]
        start, self._position = self._position, self._position + whole
        was_active = self._active_frames > 0
        self._look_at_far_end(whole // FRAME_SAMPLES, sounds=len(far) > 0)
        if not self._active_frames:
            return self._plain(plain, passed, wants_levels=wants_levels)
        if not was_active:
            if self._words:
                self._words.begin()
            self._far = np.zeros(held, np.int16)
        played, far_wake = self._played(far, len(near), whole)
        clean = self._canceller.process(frames, played)
        warming = max(0, _WARMING_FRAMES - self._active_frames + whole // FRAME_SAMPLES)
        clean[: warming * FRAME_SAMPLES] = passed[: warming * FRAME_SAMPLES]
        talkers = tuple(self._look_for_talker(passed, clean, warming))
        return Heard(
            self._splice.clean(plain, clean, start),
            self._words.process(passed, played) if self._words else passed,
            far_wake,
            passed,
            clean,
            talkers,
            self._barge_in.is_loud or self._barge_in.talker is Talker.HEARD,
            self._barge_in.may_begin,
            tuple(self._levels.of(clean)) if wants_levels else (),
        )

    def _plain(self, plain: Sound, passed: Sound, *, wants_levels: bool) -> Heard:
        ended = self._barge_in.end()
        self._far_end.at_wake_rate(plain[:0], 0)
        levels = tuple(self._levels.of(passed)) if wants_levels else ()
        talkers = () if ended is None else (ended,)
        return Heard(self._splice.plain(plain), passed, passed[:0], passed, passed, talkers, levels=levels)

    def _played(self, far: Sound, near_count: int, whole: int) -> tuple[Sound, Sound]:
        """What was played beside the frames, and what is new of it, at 16 kHz."""
        if not len(far):
            far = np.zeros(near_count * self._rate_hz // WAKE_RATE_HZ, np.int16)
        fresh = self._far_end.at_wake_rate(far, near_count)
        line = np.concatenate((self._far, fresh))
        if len(line) < whole:  # rates that are no whole multiple: one sample may come with the next piece
            line = np.concatenate((line, np.zeros(whole - len(line), np.int16)))
        played, self._far = line[:whole], line[whole:]
        return played, fresh

    def _look_for_talker(self, near: Sound, clean: Sound, first: int) -> Iterator[Talker]:
        """What is learnt of a talker from a frame on."""
        frames = clean.reshape(-1, FRAME_SAMPLES)
        levels = frames_dbfs(np.concatenate((near, clean)), FRAME_SAMPLES)
        pairs = zip(levels[: len(frames)], levels[len(frames) :], frames, strict=True)
        for number, (near_dbfs, clean_dbfs, frame) in enumerate(pairs):
            self._voice.take(frame)
            if number < first:
                continue
            changed = self._barge_in.feed(near_dbfs, clean_dbfs, self._voice.is_voice)
            if changed is not None:
                yield changed

    def _look_at_far_end(self, frames: int, *, sounds: bool) -> None:
        self._silent_frames = 0 if sounds else self._silent_frames + frames
        if sounds or (self._active_frames and self._silent_frames <= _LINGER_FRAMES):
            self._active_frames += frames
        else:
            self._active_frames = 0
