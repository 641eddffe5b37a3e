"""How loud our own sound comes back, before and after it is taken out, in figures; pure. Fed with pieces of any length.

The room's own noise is subtracted from both, so that a noisy room does not make the canceller look bad.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.mic_levels import SILENCE_DBFS
from speakerd.audio.pcm import WAKE_RATE_HZ

SETTLING_SECONDS = 5.0
"""The canceller may take so long to learn the room; what comes later is judged."""

_SOUND = 33
"""Samples above this are our own sound, -60 dBFS; softer is what keeps a sink awake."""
_ECHO_SECONDS = 0.5
"""So long after our own sound its echo is counted, which comes late and reverberates."""
_QUIET_SECONDS = 0.9
"""So long after our own sound nothing of it is left."""
_OPENING_SECONDS = 0.3
"""A microphone that was just opened may crackle."""
_LOUD_SECONDS = 0.1
"""A noise that lasts so long is no crackle."""
_CLIPPED = 32_700
_LEAST_LEFT = 0.1
"""Of the room's noise: less of an echo cannot be told."""
_FULL_SCALE = 32768.0**2


@dataclass(frozen=True, slots=True)
class EchoFigures:
    """What was heard while our own sound played, and while it did not."""

    room_dbfs: float
    """RMS of the room alone."""
    loudest_dbfs: float
    """RMS of the loudest 100 ms in which we were silent."""
    echo_dbfs: float
    """RMS at the microphone while our own sound played; as what follows, after the first 5 s of it."""
    left_dbfs: float
    """RMS of what is left of that."""
    erle_db: float
    """By how much the echo became quieter; what drowns in the room's noise cannot be told."""
    clipped_samples: int
    """Samples at full scale while our own sound played, of 16000 in a second."""
    echo_seconds: float
    """How long was listened to the echo."""

    @property
    def above_room_db(self) -> float:
        """How far our own sound stands out of the room's noise at the microphone."""
        return self.echo_dbfs - self.room_dbfs


class EchoLevels:
    """Counts the pieces of one test."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._first_sound: float | None = None
        self._last_sound = -math.inf
        self._quiet: list[tuple[float, int]] = []
        """Energy and samples of each piece in which we were silent."""
        self._near = self._clean = 0.0
        self._samples = self._clipped = 0

    def take(self, near: NDArray[np.int16], clean: NDArray[np.int16], far: NDArray[np.int16]) -> None:
        """Count the next piece of the microphone's sound, the same without echo, and what is played beside it."""
        if not len(near):
            return
        now, self._seconds = self._seconds, self._seconds + len(near) / WAKE_RATE_HZ
        if np.any(np.abs(far.astype(np.int32)) > _SOUND):
            self._last_sound = now
            self._first_sound = now if self._first_sound is None else self._first_sound
        since = now - self._last_sound
        if since <= _ECHO_SECONDS:
            self._take_echo(now, near, clean)
        elif since >= _QUIET_SECONDS and now >= _OPENING_SECONDS:
            self._quiet.append((_energy(near), len(near)))

    def figures(self) -> EchoFigures:
        """What was found."""
        energy, samples = np.array(self._quiet or [(0.0, 1)]).T
        room = float(np.median(energy / samples))
        near, clean = (total / max(1, self._samples) for total in (self._near, self._clean))
        least = max(_LEAST_LEFT * room, 1.0)
        return EchoFigures(
            room_dbfs=_dbfs(room),
            loudest_dbfs=_dbfs(_loudest(energy, samples)),
            echo_dbfs=_dbfs(near),
            left_dbfs=_dbfs(clean),
            erle_db=10 * math.log10(max(near - room, least) / max(clean - room, least)),
            clipped_samples=self._clipped,
            echo_seconds=self._samples / WAKE_RATE_HZ,
        )

    def _take_echo(self, now: float, near: NDArray[np.int16], clean: NDArray[np.int16]) -> None:
        self._clipped += int(np.count_nonzero(np.abs(near.astype(np.int32)) >= _CLIPPED))
        if self._first_sound is not None and now - self._first_sound >= SETTLING_SECONDS:
            self._near += _energy(near)
            self._clean += _energy(clean)
            self._samples += len(near)


def _loudest(energy: NDArray[np.float64], samples: NDArray[np.float64]) -> float:
    """The mean power of the loudest stretch."""
    pieces = max(1, round(_LOUD_SECONDS * WAKE_RATE_HZ / float(np.median(samples))))
    window = np.ones(min(pieces, len(energy)))
    return float(np.max(np.convolve(energy, window, "valid") / np.convolve(samples, window, "valid")))


def _energy(samples: NDArray[np.int16]) -> float:
    exact = samples.astype(np.float64)
    return float(np.dot(exact, exact))


def _dbfs(power: float) -> float:
    return max(SILENCE_DBFS, 10 * math.log10(power / _FULL_SCALE)) if power > 0 else SILENCE_DBFS
