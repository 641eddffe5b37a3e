"""The queue that the sound card plays from, pure: every sample of an answer is counted when it is handed out.

Answers play one after another; cues and ringing are mixed in beside them and outlive a flush. The card is never left
without a block: what is missing is silence.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import clip_int16, samples_in
from speakerd.core.effects import PlayoutLevel

_FADE_MS = 5
_DUCK_MS, _UNDUCK_MS = 30, 100
_GAINS = {PlayoutLevel.FULL: 1.0, PlayoutLevel.DUCKED: 10 ** (-12 / 20), PlayoutLevel.HELD: 0.0}


@dataclass(frozen=True, slots=True)
class Over:
    """An item of which nothing more will be handed out."""

    item: int
    handed: int
    """Samples of it that were handed out, or will be before anything else (the fade)."""
    was_cut: bool
    offset: int
    """Samples between the start of the block that was taken last and the end of this item; 0 if it was cut."""


@dataclass(slots=True)
class _Sound:
    samples: NDArray[np.int16]
    place: int = 0
    is_loop: bool = False

    def take(self, count: int) -> NDArray[np.int16]:
        if self.is_loop:
            taken = self.samples[np.arange(self.place, self.place + count) % len(self.samples)]
            self.place = (self.place + count) % len(self.samples)
            return taken
        taken = self.samples[self.place : self.place + count]
        self.place += len(taken)
        return taken

    @property
    def is_over(self) -> bool:
        return not self.is_loop and self.place >= len(self.samples)


class _Level:
    """How loud answers are from sample to sample."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._level = PlayoutLevel.FULL
        self._gain = _GAINS[self._level]
        """Of the sample that was taken last."""
        self._ramp = np.zeros(0)
        """Gains of the samples to come, until the level is reached."""

    def set(self, level: PlayoutLevel) -> None:
        """Go to a level: within 5 ms to silence and back, gently to what is only quieter or not any more."""
        if level is self._level:
            return
        ducking_ms = _DUCK_MS if level is PlayoutLevel.DUCKED else _UNDUCK_MS
        ms = _FADE_MS if PlayoutLevel.HELD in (level, self._level) else ducking_ms
        self._ramp = np.linspace(self._gain, _GAINS[level], samples_in(ms, self._rate_hz) + 1)[1:]
        self._level = level

    def take(self, count: int) -> NDArray[np.float64]:
        """The gains of the next samples; of fewer where the rest is held."""
        ramp, self._ramp = self._ramp[:count], self._ramp[count:]
        steady = 0 if self._level is PlayoutLevel.HELD else count - len(ramp)
        gains = np.concatenate((ramp, np.full(steady, _GAINS[self._level])))
        if len(gains):
            self._gain = float(gains[-1])
        return gains


class Playhead:
    """Mono int16 blocks at the card's rate. Not thread-safe: the caller holds a lock."""

    def __init__(self, rate_hz: int) -> None:
        self._fade_samples = samples_in(_FADE_MS, rate_hz)
        self._level = _Level(rate_hz)
        self._answers: deque[tuple[int, _Sound | None]] = deque()
        """Pieces in order of arrival; None is an item's finish mark."""
        self._handed: dict[int, int] = {}
        """Samples handed out of each item that is not over, in the order in which they began."""
        self._over: list[Over] = []
        self._fading = _Sound(np.zeros(0, np.int16))
        self._beside: list[_Sound] = []
        self._gain = self._gain_wanted = 1.0

    def queue(self, item: int, samples: NDArray[np.int16]) -> None:
        """Add samples of an item behind everything that is queued."""
        self._handed.setdefault(item, 0)
        self._answers.append((item, _Sound(samples)))

    def finish(self, item: int) -> None:
        """Mark the end of an item, once and after its last samples: it is over when they have been handed out."""
        self._handed.setdefault(item, 0)
        self._answers.append((item, None))

    def take(self, count: int) -> NDArray[np.int16]:
        """Exactly `count` samples to play now, padded with silence."""
        fading = self._fading.take(count)
        answers = np.concatenate((fading, self._take_leveled(count - len(fading), len(fading))))
        block = np.zeros(count, np.float64)
        block[: len(answers)] = answers
        for sound in self._beside:
            taken = sound.take(count)
            block[: len(taken)] += taken
        self._beside = [sound for sound in self._beside if not sound.is_over]
        return clip_int16(block * self._ramp(count))

    def take_over(self) -> list[Over]:
        """Items that came to their end since the last call, in order."""
        over, self._over = self._over, []
        return over

    def flush(self) -> list[Over]:
        """Throw away all answers but the next 5 ms, which fade out; returns each item that was not over, in order.

        Of what is held nothing more is played.
        """
        fading = self._fading.take(self._fade_samples)
        tail = np.concatenate((fading, self._take_leveled(self._fade_samples - len(fading), len(fading))))
        self._fading = _Sound(_faded(tail))
        ended = {over.item: over.handed for over in self.take_over()} | self._handed
        self._answers.clear()
        self._handed.clear()
        return [Over(item, handed, was_cut=True, offset=0) for item, handed in ended.items()]

    def progress(self) -> tuple[int, int] | None:
        """The item that plays and how many of its samples have been handed out; None when there is none."""
        return next(iter(self._handed.items()), None)

    def cue(self, samples: NDArray[np.int16]) -> None:
        """Play a sound once, beside whatever plays."""
        self._beside.append(_Sound(samples))

    def ring(self, samples: NDArray[np.int16]) -> None:
        """Play a sound again and again, beside whatever plays; replaces the ringing that is on."""
        self.stop_ringing()
        self._beside.append(_Sound(samples, is_loop=True))

    def stop_ringing(self) -> None:
        """Fade the ringing out within 5 ms."""
        self._beside = [
            _Sound(_faded(sound.take(self._fade_samples))) if sound.is_loop else sound for sound in self._beside
        ]

    def set_level(self, level: PlayoutLevel) -> None:
        """Change how loud answers are from the next block on; held, they keep their place but for 5 ms that fade out.

        What has faded out was handed out, and the next sample is the first to fade in again.
        """
        self._level.set(level)

    def set_gain(self, gain: float) -> None:
        """Multiply everything by this from the next block on, which ramps so that nothing clicks."""
        self._gain_wanted = gain

    def _take_leveled(self, count: int, offset: int) -> NDArray[np.int16]:
        gains = self._level.take(count)
        taken = self._take_answers(len(gains), offset)
        return clip_int16(taken * gains[: len(taken)])

    def _take_answers(self, count: int, offset: int) -> NDArray[np.int16]:
        taken: list[NDArray[np.int16]] = [np.zeros(0, np.int16)]
        missing = count
        while self._answers and (missing or self._answers[0][1] is None):
            item, sound = self._answers[0]
            if sound is None:
                self._over.append(Over(item, self._handed.pop(item), False, offset + count - missing))
                self._answers.popleft()
                continue
            taken.append(sound.take(missing))
            self._handed[item] += len(taken[-1])
            missing -= len(taken[-1])
            if sound.is_over:
                self._answers.popleft()
        return np.concatenate(taken)

    def _ramp(self, count: int) -> NDArray[np.float64]:
        ramp = np.linspace(self._gain, self._gain_wanted, count + 1)[1:]
        self._gain = self._gain_wanted
        return ramp


def _faded(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return clip_int16(samples * np.linspace(1, 0, len(samples) + 1)[1:])
