"""The pretended kitchen: a user who speaks, a button that is pressed, and the exact times of what is heard in it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speakerd.demo.card import FakeCard
from speakerd.demo.user_voice import synthesise

_RATE_HZ = 48_000
_SPEECH_PEAK = 9000
"""A person at two metres: about -11 dBFS at the peaks."""
_NOISE_DBFS = -60.0
_ROOM_SECONDS = 240.0
_LOUD = 60
"""16-bit samples above this are sound: about -55 dBFS."""
_GAP_SECONDS = 0.25
"""Speech has gaps; silence is what lasts longer."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """When the user's words were in the room, in monotonic seconds."""

    begins_at: float
    ends_at: float


class Room:
    """A fake sound card with room noise, and the people around it."""

    def __init__(self, folder: Path, button: Any) -> None:
        """`button` is the mock pin of the action button."""
        self.card = FakeCard(folder, rate_hz=_RATE_HZ)
        self.card.fill_room_noise(_ROOM_SECONDS, _NOISE_DBFS, seed=1)
        self._button = button
        self._speech: dict[str, NDArray[np.int16]] = {}

    def learn(self, text: str) -> None:
        """Synthesise a sentence in advance, so that it can be said at once."""
        pcm, rate_hz = synthesise(text)
        loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > np.abs(pcm).max() // 50)
        trimmed = pcm[loud[0] : loud[-1] + 1].astype(np.float64)
        self._speech[text] = (trimmed * (_SPEECH_PEAK / np.abs(trimmed).max())).astype(np.int16)
        self._speech_rate_hz = rate_hz

    def say(self, text: str) -> Spoken:
        """Let the user say a learned sentence now; returns at once."""
        pcm = self._speech[text]
        now, position = time.monotonic(), self.card.mic_position()
        start = self.card.say(pcm, self._speech_rate_hz)
        begins_at = now + (start - position) / _RATE_HZ
        return Spoken(begins_at, begins_at + len(pcm) / self._speech_rate_hz)

    def press(self) -> None:
        """Press and release the button."""
        self._button.drive_low()
        self._button.drive_high()

    def sounds(self) -> list[tuple[float, float]]:
        """When sound left the loudspeaker: (begin, end) in monotonic seconds, gaps of speech included."""
        loud = np.flatnonzero(np.abs(self.card.heard()[:, 0].astype(np.int32)) > _LOUD)
        if not len(loud):
            return []
        breaks = np.flatnonzero(np.diff(loud) > _GAP_SECONDS * _RATE_HZ)
        firsts, lasts = loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, len(loud) - 1]]
        starts = self._starts()
        return [(_time_of(int(a), starts), _time_of(int(b), starts)) for a, b in zip(firsts, lasts, strict=True)]

    def _starts(self) -> list[tuple[int, float]]:
        """(first frame, monotonic seconds) of each run of the speaker's stream."""
        lines = [line.split() for line in self.card.log("speaker") if " START " in line]
        return [(int(line[2].removeprefix("frame=")), float(line[0])) for line in lines]


def _time_of(frame: int, starts: list[tuple[int, float]]) -> float:
    first, at = max(start for start in starts if start[0] <= frame)
    return at + (frame - first) / _RATE_HZ
