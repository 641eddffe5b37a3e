"""Whether a frame holds a voice: hum of a fan or an empty room cannot then wake the speaker, whatever its score.

WebRTC's detector in its most permissive mode. Measured on synthesised words and made noise: it never loses a word once
it knows the room, not even at a sixteenth of the usual level, where the stricter modes and webrtc-noise-gain lose
up to 86 %. The price: music, hum and sudden noise pass as voice; against those the word's own score must do.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import ModelError
from speakerd.wakeword.engine import FRAME_SAMPLES, SAMPLE_RATE_HZ, check_frame

_MOST_PERMISSIVE = 0
_PIECE_SAMPLES = 320
"""20 ms; the detector takes 10, 20 or 30 ms."""
_SETTLING_FRAMES = 25
"""2 s of learning what the room's noise is; before that, one quiet word in seven went unnoticed."""


class VoiceGate(Protocol):
    """Hears every frame in order; one thread at a time."""

    def is_voice(self, frame: NDArray[np.int16]) -> bool:
        """Whether a voice may be in the next 1280 samples (mono, 16 kHz); raises ValueError for any other array."""

    def rearm(self) -> None:
        """Go on as if nothing had been heard yet."""


class WebRtcVoiceGate:
    """See VoiceGate; 0.01 ms for each frame. In the first 2 s everything counts as voice."""

    _frames_to_settle: int

    def __init__(self) -> None:
        """Raises ModelError when the package is missing."""
        try:
            import webrtcvad
        except ImportError as error:
            raise ModelError(f"the voice gate cannot be imported ({error}): install speakerd[voice].") from error
        self._new_detector = webrtcvad.Vad
        self.rearm()

    def is_voice(self, frame: NDArray[np.int16]) -> bool:
        """See VoiceGate."""
        check_frame(frame)
        pieces = [frame[start : start + _PIECE_SAMPLES].tobytes() for start in range(0, FRAME_SAMPLES, _PIECE_SAMPLES)]
        # All pieces are heard, because the detector learns the room from each.
        voiced = [self._detector.is_speech(piece, SAMPLE_RATE_HZ) for piece in pieces]
        if self._frames_to_settle > 0:
            self._frames_to_settle -= 1
            return True
        return any(voiced)

    def rearm(self) -> None:
        """See VoiceGate."""
        self._detector = self._new_detector(_MOST_PERMISSIVE)
        self._frames_to_settle = _SETTLING_FRAMES
