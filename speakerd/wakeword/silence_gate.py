"""Lets the engine sleep while the room is quiet, without changing one score.

Quiet frames are kept as they are; with the first frame that is not quiet, the kept ones are heard at once, and the
engine knows exactly what it would have known. A score depends on no more frames than are kept: nothing is approximated.

Quiet is measured against the room itself, on the difference of neighbouring samples: hum and rumble, which are loud
but say nothing, count 30 dB less than speech, so a word cannot hide behind a refrigerator.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.wakeword.engine import FRAME_SAMPLES, check_frame
from speakerd.wakeword.streaming_engine import StreamingEngine

_QUIET_FRAMES = 26
"""2.1 s: a word's score may peak half a second after its end."""
_ACTIVE_RATIO = 1.69
"""2.3 dB above the floor, as power: a word softer than the noise around it scores nothing anyway."""
_FLOOR_GROWTH = 2 ** (1 / 75)
"""The floor rises by 3 dB in 6 s at most: too slow for a word, quick enough for a fan that was switched on."""
_LEAST_FLOOR = 1.0
"""Power of the differences below which there is only the converter's last bit."""
_PARTS = 8
"""A frame is as loud as the loudest 10 ms of it."""


class SilenceGate:
    """Implements Engine; while it sleeps it repeats the scores of the quiet room."""

    def __init__(self, engine: StreamingEngine) -> None:
        self.words = engine.words
        """See Engine."""
        self.skipped_frames = 0
        """How many frames were kept and never heard."""
        self._engine = engine
        self._kept = np.zeros((engine.memory_frames, FRAME_SAMPLES), np.int16)
        self._next = 0
        """Where the next frame is kept; the oldest one is there."""
        self._sleeping_frames = 0
        """How many frames the engine has not heard."""
        self._quiet_frames = 0
        self._floor = np.inf
        self._scores = np.zeros(len(engine.words), np.float32)
        self._differences = np.zeros((_PARTS, FRAME_SAMPLES // _PARTS - 1), np.float32)
        self._samples = np.zeros((_PARTS, FRAME_SAMPLES // _PARTS), np.float32)
        self._powers = np.zeros(_PARTS, np.float32)

    @property
    def is_asleep(self) -> bool:
        """Whether the scores are those of the quiet room, and not of the last frame."""
        return self._sleeping_frames > 0

    def score(self, frame: NDArray[np.int16]) -> NDArray[np.float32]:
        """See Engine."""
        check_frame(frame)
        self._quiet_frames = self._quiet_frames + 1 if self._is_quiet(frame) else 0
        if self._quiet_frames > _QUIET_FRAMES:
            self._sleeping_frames += 1
        else:
            self._wake()
            np.copyto(self._scores, self._engine.score(frame))
        self._kept[self._next] = frame
        self._next = (self._next + 1) % len(self._kept)
        return self._scores

    def rearm(self) -> None:
        """See Engine."""
        self._engine.rearm()
        self._kept.fill(0)
        self._sleeping_frames = self._quiet_frames = 0

    def _wake(self) -> None:
        """Let the engine hear what it slept through, as far as that still counts."""
        known = min(self._sleeping_frames, len(self._kept))
        for age in range(known, 0, -1):
            self._engine.feel(self._kept[self._next - age])
        self.skipped_frames += self._sleeping_frames - known
        self._sleeping_frames = 0

    def _is_quiet(self, frame: NDArray[np.int16]) -> bool:
        np.copyto(self._samples, frame.reshape(_PARTS, -1))
        np.subtract(self._samples[:, 1:], self._samples[:, :-1], out=self._differences)
        np.einsum("ij,ij->i", self._differences, self._differences, out=self._powers)
        power = float(self._powers.max()) / self._differences.shape[1]
        self._floor = max(min(power, self._floor * _FLOOR_GROWTH), _LEAST_FLOOR)
        return power <= self._floor * _ACTIVE_RATIO
