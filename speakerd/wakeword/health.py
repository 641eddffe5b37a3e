"""Whether what the microphone sends can be sound at all. Pure, and cheap enough for every frame of the audio thread.

Nothing here changes what is heard: it only tells the owner why the speaker does not hear well, or not at all.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum
from statistics import median

import numpy as np
from numpy.typing import NDArray

from speakerd.wakeword.engine import FRAME_RATE_HZ, FRAME_SAMPLES, SAMPLE_RATE_HZ

DEAD_SECONDS = 5.0
"""A microphone hears at least its own noise: so long without any is no quiet room. It doubles with each return."""
WINDOW_SECONDS = 10.0
"""How long the other complaints look back."""
REPEAT_SECONDS = 3600.0
"""A lasting fault is worth one line of the log in so long."""
MOST_CLIPPED = 0.01
"""Share of samples at full scale."""
MOST_OFFSET = 0.1
"""Share of full scale: -20 dBFS."""
MOST_RATE_ERROR = 0.1
"""Share of the right rate; more than the 8.8 % between 44.1 and 48 kHz, of which the words survive."""

_FULL_SCALE = 32767
_DEAD_FRAMES = math.ceil(DEAD_SECONDS * FRAME_RATE_HZ)
_MOST_PATIENCE_FRAMES = 128 * _DEAD_FRAMES
"""10.7 minutes, for a microphone that always came back."""
_WINDOW_FRAMES = round(WINDOW_SECONDS * FRAME_RATE_HZ)
_WINDOW_SAMPLES = _WINDOW_FRAMES * FRAME_SAMPLES
_PIECE_FRAMES = 25
"""2 s at the right rate: long beside the jitter with which a card delivers its blocks."""
_LEAST_PIECES = 5
"""A burst or a stall spoils one or two of them, which the median forgives."""
_MOST_PIECES = 64
_RIGHT_SECONDS = _PIECE_FRAMES / FRAME_RATE_HZ


class Kind(Enum):
    """What is wrong with the microphone, or is right again."""

    DEAD = "dead"
    BACK = "back"
    CLIPPING = "clipping"
    DC_OFFSET = "dc offset"
    WRONG_RATE = "wrong rate"


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something for the log."""

    kind: Kind
    sentence: str
    """What is wrong and what to do about it."""


class HearingHealth:
    """Looks at each frame. A microphone that was told to be dead is told to be back, or after a gap dead again."""

    _constant: int | None
    """The only value of the last frames."""
    _pieces: deque[float]
    """How many seconds each of the last stretches of _PIECE_FRAMES took to arrive."""

    def __init__(self) -> None:
        self._owes_back = False
        self._back_at_seconds = 0.0
        self._patience_frames = _DEAD_FRAMES
        self._complained_at: dict[Kind, float] = {}
        self.rearm()

    def feed(self, frame: NDArray[np.int16], now_seconds: float) -> Complaint | None:
        """Take the next 1280 samples and the time of a monotonic clock; what lasts is told again after an hour."""
        low, high = int(frame.min()), int(frame.max())
        change = self._dead_or_back(low, high, now_seconds)
        if low != high:
            self._take_level(frame, low, high)
        self._take_time(now_seconds)
        return change or self._lasting(now_seconds)

    def rearm(self) -> None:
        """The next frame does not follow the last one."""
        self._constant = None
        self._constant_frames = 0
        self._clipped: deque[int] = deque(maxlen=_WINDOW_FRAMES)
        self._sums: deque[int] = deque(maxlen=_WINDOW_FRAMES)
        self._clipped_in_window = self._sum_of_window = 0
        self._piece_began: float | None = None
        self._piece_frames = 0
        self._pieces = deque(maxlen=_MOST_PIECES)

    def _dead_or_back(self, low: int, high: int, now_seconds: float) -> Complaint | None:
        if low != high or low != self._constant:
            self._constant = low if low == high else None
            self._constant_frames = 1 if low == high else 0
            return self._back(now_seconds) if low != high else None
        self._constant_frames += 1
        if self._constant_frames != self._patience_frames:
            return None
        self._owes_back = True
        return Complaint(Kind.DEAD, _dead(low))

    def _back(self, now_seconds: float) -> Complaint | None:
        if not self._owes_back:
            if now_seconds - self._back_at_seconds > REPEAT_SECONDS:
                self._patience_frames = _DEAD_FRAMES
            return None
        self._owes_back = False
        self._back_at_seconds = now_seconds
        # Some speakerphones send zeros whenever nobody speaks: whoever comes back was not dead.
        self._patience_frames = min(2 * self._patience_frames, _MOST_PATIENCE_FRAMES)
        return Complaint(Kind.BACK, "The microphone is heard again.")

    def _take_level(self, frame: NDArray[np.int16], low: int, high: int) -> None:
        clipped = 0
        if high >= _FULL_SCALE or low <= -_FULL_SCALE:
            clipped = int(np.count_nonzero((frame >= _FULL_SCALE) | (frame <= -_FULL_SCALE)))
        total = int(frame.sum(dtype=np.int32))
        if len(self._sums) == _WINDOW_FRAMES:
            self._clipped_in_window -= self._clipped[0]
            self._sum_of_window -= self._sums[0]
        self._clipped.append(clipped)
        self._sums.append(total)
        self._clipped_in_window += clipped
        self._sum_of_window += total

    def _take_time(self, now_seconds: float) -> None:
        if self._piece_began is None:
            self._piece_began = now_seconds
            return
        self._piece_frames += 1
        if self._piece_frames == _PIECE_FRAMES:
            self._pieces.append(now_seconds - self._piece_began)
            self._piece_began, self._piece_frames = now_seconds, 0
            while len(self._pieces) > _LEAST_PIECES and sum(self._pieces) - self._pieces[0] >= WINDOW_SECONDS:
                self._pieces.popleft()

    def _lasting(self, now_seconds: float) -> Complaint | None:
        """The first fault of the window that was not told within the hour."""
        complaint: Complaint | None = None
        if self._is_due(Kind.CLIPPING, now_seconds) and self._is_clipping():
            complaint = Complaint(Kind.CLIPPING, _CLIPPING)
        elif self._is_due(Kind.DC_OFFSET, now_seconds) and self._offset() > MOST_OFFSET:
            complaint = Complaint(Kind.DC_OFFSET, _off_centre(self._offset()))
        elif self._piece_frames == 0 and self._is_due(Kind.WRONG_RATE, now_seconds) and self._is_rate_wrong():
            complaint = Complaint(Kind.WRONG_RATE, _wrong_rate(_PIECE_FRAMES * len(self._pieces) / sum(self._pieces)))
        if complaint is not None:
            self._complained_at[complaint.kind] = now_seconds
        return complaint

    def _is_due(self, kind: Kind, now_seconds: float) -> bool:
        last = self._complained_at.get(kind)
        return last is None or now_seconds - last >= REPEAT_SECONDS

    def _is_clipping(self) -> bool:
        return len(self._clipped) == _WINDOW_FRAMES and self._clipped_in_window > MOST_CLIPPED * _WINDOW_SAMPLES

    def _offset(self) -> float:
        """Share of full scale, unsigned; 0 until a whole window was heard."""
        full = len(self._sums) == _WINDOW_FRAMES
        return abs(self._sum_of_window) / (_WINDOW_SAMPLES * (_FULL_SCALE + 1)) if full else 0.0

    def _is_rate_wrong(self) -> bool:
        """Wrong as a whole and in most pieces: a burst at the start spoils the first piece, a stall one or two."""
        seconds = sum(self._pieces)
        if len(self._pieces) < _LEAST_PIECES or seconds < WINDOW_SECONDS:
            return False
        mean, typical = seconds / len(self._pieces), median(self._pieces)
        too_fast = max(mean, typical) < _RIGHT_SECONDS / (1 + MOST_RATE_ERROR)
        too_slow = min(mean, typical) > _RIGHT_SECONDS / (1 - MOST_RATE_ERROR)
        return too_fast or too_slow


_CLIPPING = (
    "The microphone is too loud: more than 1 % of its samples in 10 s are at full scale; "
    "lower the capture volume in alsamixer, or move it away from what is so loud."
)


def _dead(value: int) -> str:
    if value == 0:
        return (
            f"The microphone has sent nothing but zeros for {DEAD_SECONDS:g} s: "
            "check its mute switch, its plug and the capture switch in alsamixer."
        )
    return (
        f"The microphone has sent nothing but the value {value} for {DEAD_SECONDS:g} s: "
        'plug it in anew, or choose another one in "audio.input".'
    )


def _off_centre(offset: float) -> str:
    return (
        f"The microphone's signal is off its centre by {20 * math.log10(offset):.0f} dBFS on average: "
        'check its wiring and its bias voltage, or choose another one in "audio.input".'
    )


def _wrong_rate(frames_hz: float) -> str:
    rate_hz = frames_hz * FRAME_SAMPLES
    if frames_hz > FRAME_RATE_HZ:
        return (
            f"The microphone delivers about {rate_hz:.0f} samples a second where {SAMPLE_RATE_HZ} are expected, "
            'so no word is recognised: choose another device or sample rate for "audio.input".'
        )
    return (
        f"The microphone delivers about {rate_hz:.0f} samples a second where {SAMPLE_RATE_HZ} are expected: "
        'stop other programs if the computer is overloaded, or else choose another device for "audio.input".'
    )
