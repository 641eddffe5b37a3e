"""openWakeWord's mel spectrogram in numpy, one frame of 80 ms at a time.

Its .onnx computes the Fourier transform as two convolutions with windowed cosines and sines; here they are two matrix
products with half of the same numbers. Rows overlap, so a frame's eight rows need 480 samples of the frame before.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import ModelError
from speakerd.wakeword.engine import FRAME_SAMPLES
from speakerd.wakeword.onnx_graph import read_graph

ROWS = 8
"""Rows of each frame, 10 ms apart."""
BANDS = 32

_ROW_SAMPLES = 512
_HOP_SAMPLES = FRAME_SAMPLES // ROWS
_OVERLAP_SAMPLES = 480
_MIDDLE, _WINDOW_END = 256, 456
"""The window is zero outside of 57..455 and symmetric about 256."""
_PARTS = "real", "imag"
_LEAST_POWER = np.float32(1e-10)
_RANGE = np.float32(8.0)
"""80 dB below the loudest of the eight rows, in the unit of the result: what is quieter counts as that loud."""
_OFFSET = np.float32(2.0)


class MelSpectrogram:
    """Turns frames into rows; keeps the samples that the next frame needs."""

    def __init__(self, path: Path) -> None:
        """Take the weights from openWakeWord's melspectrogram.onnx; raises ModelError for another file."""
        tensors = read_graph(path).tensors
        tensors = read_graph(path).tensors
        try:
            cosines, sines = (tensors[f"0.stft.conv_{part}.weight"][:, 0, _MIDDLE:_WINDOW_END].T for part in _PARTS)
            bins_to_bands = tensors["1.melW"]
        except (KeyError, IndexError):
            raise ModelError(f"{path} is not openWakeWord's mel spectrogram: run scripts/fetch-models.") from None
        used = np.flatnonzero(bins_to_bands.any(axis=1))
        bins = slice(int(used[0]), int(used[-1]) + 1)
        self._cosines, self._sines = (np.array(weights[:, bins], np.float32, order="C") for weights in (cosines, sines))
        self._cosines[0] /= 2  # the middle sample is added to itself
        self._bins_to_bands = np.array(bins_to_bands[bins], np.float32, order="C")
        self._samples = np.zeros(_OVERLAP_SAMPLES + FRAME_SAMPLES, np.float32)
        self._new_samples = self._samples[_OVERLAP_SAMPLES:]
        self._kept, self._last = self._samples[:_OVERLAP_SAMPLES], self._samples[-_OVERLAP_SAMPLES:]
        rows = np.lib.stride_tricks.sliding_window_view(self._samples, _ROW_SAMPLES)[::_HOP_SAMPLES]
        self._after_middle = rows[:, _MIDDLE:_WINDOW_END]
        self._before_middle = rows[:, _MIDDLE : 2 * _MIDDLE - _WINDOW_END : -1]
        self._one, self._other, self._sum = np.zeros((3, *self._after_middle.shape), np.float32)
        self._real, self._imaginary = np.zeros((2, ROWS, len(self._bins_to_bands)), np.float32)
        self._mel = np.zeros((ROWS, BANDS), np.float32)
        self._loudest = np.zeros((), np.float32)

    def rows(self, frame: NDArray[np.int16]) -> NDArray[np.float32]:
        """float32[8, 32] after the next int16[1280]: log10 of the power, plus 2; valid until the next call."""
        np.copyto(self._kept, self._last)
        np.copyto(self._new_samples, frame)
        self._transform()
        mel, loudest = self._mel, self._loudest
        np.dot(self._real, self._bins_to_bands, out=mel)
        np.maximum(mel, _LEAST_POWER, out=mel)
        np.log10(mel, out=mel)
        np.maximum.reduce(mel, axis=None, out=loudest)
        np.subtract(loudest, _RANGE, out=loudest)
        np.maximum(mel, loudest, out=mel)
        np.add(mel, _OFFSET, out=mel)
        return mel

    def _transform(self) -> None:
        """Power of each bin. The window is symmetric, so cosines see only sums across its middle, sines differences."""
        one, other, both = self._one, self._other, self._sum
        np.copyto(one, self._after_middle)
        np.copyto(other, self._before_middle)
        np.add(one, other, out=both)
        np.subtract(one, other, out=other)
        np.dot(both, self._cosines, out=self._real)
        np.dot(other, self._sines, out=self._imaginary)
        np.square(self._real, out=self._real)
        np.square(self._imaginary, out=self._imaginary)
        np.add(self._real, self._imaginary, out=self._real)

    def rearm(self) -> None:
        """Go on as if silence had been heard."""
        self._last.fill(0)
