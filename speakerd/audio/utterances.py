"""When an utterance begins and ends, pure: frames that are voiced or not come in, beginnings and ends come out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """The user began; milliseconds since the first frame."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechOver:
    """The user has been silent for long enough; milliseconds since the first frame."""

    at_ms: int


Change = SpeechBegan | SpeechOver


class Utterances:
    """Begins where enough of the last frames are voiced, and ends after a silence."""

    def __init__(self, silence_ms: int, *, frame_ms: int, window_frames: int, voiced_to_begin: int) -> None:
        self._silence_ms = silence_ms
        self._frame_ms = frame_ms
        self._voiced_to_begin = voiced_to_begin
        self._window: deque[bool] = deque(maxlen=window_frames)
        self._unvoiced = 0
        self.frames = 0
        """How many frames have come."""
        self.is_speaking = False
        """Whether an utterance goes on."""

    def feed(self, is_voiced: bool) -> Change | None:
        """Take the next frame."""
        self.frames += 1
        self._window.append(is_voiced)
        self._unvoiced = 0 if is_voiced else self._unvoiced + 1
        if not self.is_speaking and sum(self._window) >= self._voiced_to_begin:
            first = self.frames - len(self._window) + list(self._window).index(True)
            self.is_speaking = True
            return SpeechBegan(first * self._frame_ms)
        if self.is_speaking and self._unvoiced * self._frame_ms >= self._silence_ms:
            self.is_speaking = False
            self._window.clear()
            return SpeechOver(self.frames * self._frame_ms)
        return None
