"""Changes the rate of a stream with a polyphase FIR, pure: the frames in which it arrives never change a sample.

Output sample n lies at the very instant of n / to_hz in the input: the filter's delay makes output late, never shifted.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import clip_int16, to_int16

_LOBES = 32
"""Zero crossings of the sinc on each side; with the window below 90 dB SNR were measured (reference/audio.md)."""
_KAISER_BETA = 9.0
_CUTOFF = 0.92
"""Share of the lower Nyquist frequency that passes; the window's skirt ends at about 1.0."""
_SCALE = 1 << 24
"""Coefficients are whole numbers of 1/_SCALE: sums in float64 are then exact in any order, on any processor, as BLAS
makes them."""
_FEW_PHASES = 8
"""Up to so many, blocks of outputs are made at once; else a window is gathered for each output."""
_BLOCK = 16
"""Turns of all phases in a block: few enough that most of its coefficients are not zero."""
_SLICE = 4800
"""Input samples that are worked on at once, so that a long piece needs little memory."""

Line = NDArray[np.float64]


class Resampler:
    """A stream of mono int16 samples from one rate to another.

    After N input samples in all, ceil(max(0, N / from_hz - delay_seconds) * to_hz) have come out; after `drain` it is
    ceil(N / from_hz * to_hz).
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if from_hz <= 0 or to_hz <= 0:
            raise ValueError(f"Rates must be positive, not {from_hz} and {to_hz} Hz.")
        divisor = math.gcd(from_hz, to_hz)
        self._up, self._down = to_hz // divisor, from_hz // divisor
        self._is_identity = from_hz == to_hz
        self._centre = 0 if self._is_identity else _LOBES * max(self._up, self._down)
        self._phases = _phases(self._up, self._down)
        self._taps = self._phases.shape[1]
        self._beyond = np.zeros((_BLOCK + 1) * self._down if self._up <= _FEW_PHASES else 0)
        self.delay_seconds = self._centre / (from_hz * self._up)
        """How long a sample takes to come out; 0 when the rates are equal."""
        self._position = self._centre
        """Place of the next output, in steps of 1/up samples from the start of the next input."""
        self._history: NDArray[np.int16] | Line = np.zeros(self._taps - 1)

    def process(self, samples: NDArray[np.int16] | NDArray[np.float32] | Line) -> NDArray[np.int16]:
        """The next output for the next input: int16; float64 on its scale; or float32 from -1 to 1, rounded first."""
        whole: NDArray[Any] = samples if samples.dtype == np.float64 else to_int16(samples)
        if self._is_identity:
            return clip_int16(whole) if whole.dtype == np.float64 else whole.copy()
        if not len(whole):
            return np.zeros(0, np.int16)
        if len(whole) <= _SLICE:
            return self._filter(whole)
        return np.concatenate([self._filter(whole[start : start + _SLICE]) for start in range(0, len(whole), _SLICE)])

    def skip(self, samples: NDArray[np.int16] | Line) -> NDArray[np.int16]:
        """As `process`, but silence comes out: for what nobody will hear. The samples must not change afterwards."""
        if self._is_identity:
            return np.zeros(len(samples), np.int16)
        count = self._advance(len(samples))
        if len(samples) < self._taps:
            samples = np.concatenate((self._history, samples), dtype=np.float64)
        self._history = samples[len(samples) - self._taps + 1 :]
        return np.zeros(count, np.int16)

    def drain(self) -> NDArray[np.int16]:
        """What the filter still holds, as if silence followed; afterwards a new stream may begin."""
        if self._is_identity:
            return np.zeros(0, np.int16)
        left = max(0, math.ceil((self._centre - self._position) / self._down))
        rest = self._filter(np.zeros(math.ceil(self._centre / self._up) + 1, np.int16))[:left]
        self._reset()
        return rest

    def _reset(self) -> None:
        self._position, self._history = self._centre, np.zeros(self._taps - 1)

    def _filter(self, samples: NDArray[np.int16] | Line) -> NDArray[np.int16]:
        line: Line = np.concatenate((self._history, samples, self._beyond), dtype=np.float64)
        position = self._position
        sums_of = self._sums_by_blocks if self._up <= _FEW_PHASES else self._sums_one_by_one
        sums = sums_of(line, position, self._advance(len(samples)))
        self._history = line[len(samples) : len(samples) + self._taps - 1]
        return clip_int16(sums)

    def _advance(self, samples: int) -> int:
        """Go on by so many input samples; returns how many come out."""
        steps = samples * self._up
        count = max(0, -((self._position - steps) // self._down))
        self._position += count * self._down - steps
        return count

    def _sums_by_blocks(self, line: Line, position: int, count: int) -> Line:
        """The sums as one product of matrices; the last block reaches beyond what is wanted."""
        start, phase = divmod(position, self._up)
        matrix: Line = _block(self._up, self._down, phase)
        rows, length = -(-count // matrix.shape[1]), len(matrix)
        strides = _BLOCK * self._down * line.itemsize, line.itemsize
        first = start * line.itemsize if rows else 0
        windows: NDArray[np.float64] = np.ndarray((rows, length), np.float64, line, first, strides)
        sums: Line = (windows.copy() @ matrix).reshape(-1)
        return sums[:count]

    def _sums_one_by_one(self, line: Line, position: int, count: int) -> Line:
        places = position + np.arange(count) * self._down
        windows = np.lib.stride_tricks.sliding_window_view(line, self._taps)
        sums: Line = np.einsum("ij,ij->i", windows[places // self._up], self._phases[places % self._up])
        return sums


def resampled(samples: NDArray[np.int16], from_hz: int, to_hz: int) -> NDArray[np.int16]:
    """A whole sound at another rate: ceil(len * to / from) samples."""
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate((resampler.process(samples), resampler.drain()))


@cache
def _phases(up: int, down: int) -> NDArray[np.float64]:
    """One row of coefficients for each of `up` phases, oldest sample first, each row scaled to pass DC unchanged."""
    widest = max(up, down)
    centre = 0 if widest == 1 else _LOBES * widest
    steps = np.arange(-centre, centre + 1)
    taps = np.sinc(steps * _CUTOFF / widest) * np.kaiser(2 * centre + 1, _KAISER_BETA)
    columns = math.ceil(len(taps) / up)
    rows = np.pad(taps, (0, columns * up - len(taps))).reshape(columns, up).T[:, ::-1]
    whole: NDArray[np.float64] = np.rint(rows / rows.sum(axis=1, keepdims=True) * _SCALE) / _SCALE
    return whole


@cache
def _block(up: int, down: int, phase: int) -> NDArray[np.float64]:
    """What to multiply the inputs of a block by, which begins at a phase: a column of coefficients for each output."""
    phases, count = _phases(up, down), _BLOCK * up
    places = [divmod(phase + number * down, up) for number in range(count)]
    matrix = np.zeros((places[-1][0] + phases.shape[1], count))
    for number, (start, one) in enumerate(places):
        matrix[start : start + phases.shape[1], number] = phases[one]
    return matrix
