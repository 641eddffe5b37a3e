"""The far end: whatever pieces the card was given, the ears hear it whole, in frames of 80 ms at 16 kHz."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.audio import wire
from speakerd.audio.far_end import FarEnd
from speakerd.audio.pcm import bytes_of


class Ears:
    """Keeps what it hears of the playout."""

    def __init__(self) -> None:
        self.frames: list[NDArray[np.int16]] = []

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        pytest.fail("this is no microphone")

    def rearm(self) -> None:
        pytest.fail("nothing was lost")

    def hear_playout(self, frame: NDArray[np.int16]) -> None:
        self.frames.append(frame.copy())


@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("pieces_ms", [7, 20, 333])
def test_a_tone_stays_a_tone(rate_hz: int, pieces_ms: int) -> None:
    ears = Ears()
    far_end = FarEnd(ears)
    tone = (8000 * np.sin(2 * np.pi * 500 * np.arange(2 * rate_hz) / rate_hz)).astype(np.int16)
    step = rate_hz * pieces_ms // 1000
    for start in range(0, len(tone), step):
        far_end.hear(wire.PlayoutFrame(rate_hz, bytes_of(tone[start : start + step])))
    assert {frame.shape for frame in ears.frames} == {(1280,)}
    assert len(ears.frames) in (23, 24, 25)
    heard = np.concatenate(ears.frames[4:20])
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * 16_000 / len(heard) == pytest.approx(500, abs=2)
    assert np.abs(heard).max() == pytest.approx(8000, rel=0.03)


def test_another_rate_begins_anew() -> None:
    ears = Ears()
    far_end = FarEnd(ears)
    for rate_hz in (48_000, 16_000):
        far_end.hear(wire.PlayoutFrame(rate_hz, bytes_of(np.full(rate_hz, 1000, np.int16))))
    assert 23 <= len(ears.frames) <= 25
