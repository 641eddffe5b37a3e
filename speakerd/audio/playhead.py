"""The queue that the sound card plays from, pure: every sample of an answer is counted when it is handed out.

Answers play one after another; cues and ringing are mixed in beside them and outlive a flush. The card is never left
without a block: what is missing is silence, or noise too soft to be heard for a sink that falls asleep in silence.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import clip_int16, samples_in
from speakerd.core.kinds import PlayoutLevel

_FADE_MS = 5
_DUCK_MS, _UNDUCK_MS = 30, 100
_AWAKE_MS = 1000
"""For how long a sink stays awake in silence."""
_SOFTEST = 10 ** (-24 / 20)
"""How a ringing that rises begins."""
_GAINS = {PlayoutLevel.FULL: 1.0, PlayoutLevel.DUCKED: 10 ** (-12 / 20), PlayoutLevel.HELD: 0.0}


@dataclass(frozen=True, slots=True)
class Over:
    """An item, or a cue, of which nothing more will be handed out."""

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
    number: int | None = None
    """What tells a cue from others and from all items."""
    rising_samples: int = 0
    """Over how many samples a loop grows, evenly to the ear, from _SOFTEST to what it is."""

    def take(self, count: int) -> NDArray[np.int16]:
        if self.is_loop:
            places = np.arange(self.place, self.place + count)
            taken = self.samples[places % len(self.samples)]
            is_risen = self.place >= self.rising_samples
            self.place += count
            if is_risen:
                return taken
            return clip_int16(taken * _SOFTEST ** np.clip(1 - places / self.rising_samples, 0, 1))
        taken = self.samples[self.place : self.place + count]
        self.place += len(taken)
        return taken

    @property
    def left(self) -> int:
        return len(self.samples) - self.place

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

    @property
    def is_silent(self) -> bool:
        """Whether the next sample is held."""
        return self._level is PlayoutLevel.HELD and not len(self._ramp)

    def set(self, level: PlayoutLevel) -> None:
        """Go to a level: within 5 ms to silence and back, gently to what is only quieter or not any more."""
        if level is self._level:
            return
        ducking_ms = _DUCK_MS if level is PlayoutLevel.DUCKED else _UNDUCK_MS
        ms = _FADE_MS if PlayoutLevel.HELD in (level, self._level) else ducking_ms
        self._ramp = np.linspace(self._gain, _GAINS[level], samples_in(ms, self._rate_hz) + 1)[1:]
        self._level = level

    @property
    def is_steady(self) -> bool:
        """Whether the gain stays as it is."""
        return not len(self._ramp)

    @property
    def is_full(self) -> bool:
        """Whether the next samples are as loud as they are."""
        return self.is_steady and self._level is PlayoutLevel.FULL

    def take(self, count: int) -> NDArray[np.float64]:
        """The gains of the next samples; of fewer where the rest is held."""
        ramp, self._ramp = self._ramp[:count], self._ramp[count:]
        steady = 0 if self._level is PlayoutLevel.HELD else count - len(ramp)
        gains = np.concatenate((ramp, np.full(steady, _GAINS[self._level])))
        if len(gains):
            self._gain = float(gains[-1])
        return gains


class _Sink:
    """What plays before a sound and in its absence, for a sink that sleeps in silence and is slow to wake."""

    def __init__(self, rate_hz: int) -> None:
        noise = np.random.default_rng(0).integers(-1, 2, rate_hz).astype(np.int16)
        self._noise = _Sound(noise, is_loop=True)
        self._rate_hz = rate_hz
        self._awake_samples = samples_in(_AWAKE_MS, rate_hz)
        self._lead_in_samples = self._lead_in_left = 0
        self.is_kept_awake = False
        self._silent_samples = self._awake_samples + 1

    @property
    def is_leading_in(self) -> bool:
        """Whether sound waits for the sink to wake."""
        return self._lead_in_left > 0

    @property
    def hears(self) -> bool:
        """Whether the last sample was sound, so that the next need not wait."""
        return not (self._silent_samples or self._lead_in_left)

    def set(self, lead_in_ms: int, is_kept_awake: bool) -> None:
        """How slow the sink is to wake, and whether it is never to sleep."""
        self._lead_in_samples = 0 if is_kept_awake else samples_in(lead_in_ms, self._rate_hz)
        self.is_kept_awake = is_kept_awake

    def lead_in(self, count: int, has_sound: bool) -> int:
        """How many of the next samples must come before the sound."""
        if not has_sound:
            self._silent_samples = self._awake_samples + 1 if self.is_leading_in else self._silent_samples + count
            self._lead_in_left = 0
            return 0
        if self._silent_samples > self._awake_samples:
            self._lead_in_left = self._lead_in_samples
        self._silent_samples = 0
        leading = min(count, self._lead_in_left)
        self._lead_in_left -= leading
        return leading

    def filled(self, block: NDArray[np.int16], leading: int, is_silent: bool) -> NDArray[np.int16]:
        """The block with noise where it needs some."""
        count = len(block) if is_silent and self.is_kept_awake else leading
        if not count:
            return block
        return np.concatenate((self._noise.take(count), block[count:]))


class Playhead:
    """Mono int16 blocks at the card's rate. Not thread-safe: the caller holds a lock."""

    def __init__(self, rate_hz: int) -> None:
        self._fade_samples = samples_in(_FADE_MS, rate_hz)
        self._rate_hz = rate_hz
        self._level = _Level(rate_hz)
        self._sink = _Sink(rate_hz)
        self._answers: deque[tuple[int, _Sound | None]] = deque()
        """Pieces in order of arrival; None is an item's finish mark."""
        self._handed: dict[int, int] = {}
        """Samples handed out of each item that is not over, in the order in which they began."""
        self._over: list[Over] = []
        self._cues_over: list[Over] = []
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
        if self.rests:
            self._rest(count)
            return np.zeros(count, np.int16)
        leading = self._sink.lead_in(count, self._has_sound())
        fading = self._fading.take(count - leading)
        begun = leading + len(fading)
        answers = np.concatenate((fading, self._take_leveled(count - begun, begun)))
        mix = np.zeros(count, np.float64)
        mix[leading : leading + len(answers)] = answers
        for sound in self._beside:
            taken = sound.take(count - leading)
            mix[leading : leading + len(taken)] += taken
            if sound.is_over and sound.number is not None:
                self._cues_over.append(Over(sound.number, sound.place, was_cut=False, offset=leading + len(taken)))
        self._beside = [sound for sound in self._beside if not sound.is_over]
        block = clip_int16(mix * self._ramp(count))
        return self._sink.filled(block, leading, not block.any())

    @property
    def rests(self) -> bool:
        """Whether silence is all that there is, until something else comes."""
        if self._answers or self._beside or self._sink.is_kept_awake:
            return False
        return self._fading.is_over and self._level.is_steady

    def ahead(self, count: int, most: int) -> NDArray[np.int16]:
        """What the next blocks of `count` samples will be, at most so many, where one answer alone plays on as before.

        Nearly always, while any plays, so it is made at once: each call of numpy costs more than its work. Nothing is
        taken: see `skip`. It ends before the item may.
        """
        is_plain = self._gain == self._gain_wanted and self._level.is_full and self._fading.is_over
        if not (is_plain and self._answers and self._sink.hears) or self._beside:
            return np.zeros(0, np.int16)
        pieces, left = self._rest_of_item(count * most)
        blocks = np.concatenate(pieces)[: min(most, (left - 1) // count) * count] if left else np.zeros(0, np.int16)
        if self._gain != 1.0:
            blocks = np.rint(blocks * self._gain).astype(np.int16)
        if not self._sink.is_kept_awake:
            return blocks
        sounds = blocks.reshape(-1, count).any(axis=1)
        return blocks if sounds.all() else blocks[: int(sounds.argmin()) * count]

    def skip(self, count: int) -> None:
        """Take samples that were seen `ahead`, or of silence while it `rests`."""
        if self.rests:
            self._rest(count)
            return
        item, sound = self._answers[0]
        self._handed[item] += count
        while sound is not None and count >= sound.left:
            count -= sound.left
            self._answers.popleft()
            _, sound = self._answers[0]
        if sound is not None:
            sound.place += count

    def _rest_of_item(self, count: int) -> tuple[list[NDArray[np.int16]], int]:
        """What waits of the item that plays, until it is more than so much; and how much."""
        item, pieces, left = self._answers[0][0], list[NDArray[np.int16]](), 0
        for of, sound in self._answers:
            if of != item or sound is None or left > count:
                break
            pieces.append(sound.samples[sound.place :])
            left += sound.left
        return pieces, left

    def _rest(self, count: int) -> None:
        self._sink.lead_in(count, has_sound=False)
        self._gain = self._gain_wanted

    @property
    def has_over(self) -> bool:
        """Whether `take_over` has something to tell."""
        return bool(self._over or self._cues_over)

    def take_over(self) -> list[Over]:
        """Items that came to their end since the last call, in order, then cues."""
        over = self._over + self._cues_over
        self._over, self._cues_over = [], []
        return over

    def flush(self) -> list[Over]:
        """Throw away all answers but the next 5 ms, which fade out; returns each item that was not over, in order.

        Of what is held, or waits for the sink to wake, nothing more is played.
        """
        fading = self._fading.take(self._fade_samples)
        count = 0 if self._sink.is_leading_in else self._fade_samples - len(fading)
        tail = np.concatenate((fading, self._take_leveled(count, len(fading))))
        self._fading = _Sound(_faded(tail))
        ended = {over.item: over.handed for over in self._over} | self._handed
        self._over.clear()
        self._answers.clear()
        self._handed.clear()
        return [Over(item, handed, was_cut=True, offset=0) for item, handed in ended.items()]

    def progress(self) -> tuple[int, int] | None:
        """The item that plays and how many of its samples have been handed out; None when there is none."""
        return next(iter(self._handed.items()), None)

    def cue(self, number: int, samples: NDArray[np.int16]) -> None:
        """Play a sound once, beside whatever plays; the number is that of no item."""
        self._beside.append(_Sound(samples, number=number))

    def ring(self, samples: NDArray[np.int16], rising_ms: int = 0) -> None:
        """Play a sound again and again, beside whatever plays; replaces the ringing that is on.

        It begins softly and rises for so long.
        """
        self.stop_ringing()
        self._beside.append(_Sound(samples, is_loop=True, rising_samples=samples_in(rising_ms, self._rate_hz)))

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

    def set_sink(self, lead_in_ms: int, is_kept_awake: bool) -> None:
        """Say what wakes the sink: noise of one bit before a sound that follows a silence of more than 1 s, or always.

        Such noise belongs to no item.
        """
        self._sink.set(lead_in_ms, is_kept_awake)

    def set_gain(self, gain: float) -> None:
        """Multiply everything by this from the next block on, which ramps so that nothing clicks."""
        self._gain_wanted = gain

    def _has_sound(self) -> bool:
        """Whether anything but silence is to be played now."""
        answers = not self._level.is_silent and any(sound is not None for _, sound in self._answers)
        return answers or bool(self._beside) or not self._fading.is_over

    def _take_leveled(self, count: int, offset: int) -> NDArray[np.int16]:
        if self._level.is_full:
            return self._take_answers(count, offset)
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

    def _ramp(self, count: int) -> NDArray[np.float64] | float:
        if self._gain == self._gain_wanted:
            return self._gain
        ramp = np.linspace(self._gain, self._gain_wanted, count + 1)[1:]
        self._gain = self._gain_wanted
        return ramp


def _faded(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return clip_int16(samples * np.linspace(1, 0, len(samples) + 1)[1:])
