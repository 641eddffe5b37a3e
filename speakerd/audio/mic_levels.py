"""How well a microphone hears, in figures and in words; pure. Fed with frames of 80 ms at 16 kHz, in order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import WAKE_FRAME_SAMPLES, WAKE_RATE_HZ

SILENCE_DBFS = -100.0
"""The level of digital silence: below what one bit of 16 makes, and a number that JSON has."""

_CLIPPED = 32_700
"""Samples from here on were cut off at the card: resampling moves them by a little."""
_CLIPPED_SHARE = 1e-4
_LEAST_SPEECH_DB, _LEAST_SPEECH_FRAMES = 10.0, 4
"""Speech is so much louder than the room, for so long."""
_QUIETEST_FLOOR_DBFS = -75.0
_QUIET_SPEECH_DBFS, _GOOD_SPEECH_DBFS = -42.0, -28.0
_NOISY_SNR_DB = 15.0
_LOUDEST_PEAK_DBFS = -3.0
_LARGE_OFFSET = 0.03
_HUM_FRAMES, _HUM_WIDTH_HZ, _HUM_HARMONICS = 8, 3.0, 4
_HUM_SHARE, _HUM_FLOOR_DBFS = 0.5, -65.0
_MOST_GAIN_DB = 40.0

_BAR_CELLS, _BAR_LOW_DBFS = 40, -80.0
_HOLD_FRAMES = 19
"""How long the highest peak and a warning stay: 1.5 s."""
_DEAD_FRAMES = 13


@dataclass(frozen=True, slots=True)
class MicFigures:
    """What a microphone was found to be."""

    seconds: float
    peak_dbfs: float
    noise_floor_dbfs: float
    """RMS that the room alone has: a tenth of all frames is quieter."""
    speech_dbfs: float | None
    """RMS of the louder speech; None if nobody spoke."""
    clipped_samples: int
    """Samples at full scale, of 16000 in a second."""
    dc_offset: float
    """Mean, from -1 to 1."""
    hum_hz: int
    """Frequency of the mains if the quiet is mostly its hum, else 0."""
    is_dead: bool
    """Every sample was the same."""

    @property
    def snr_db(self) -> float | None:
        """How far the speech is above the room; None if nobody spoke."""
        return None if self.speech_dbfs is None else self.speech_dbfs - self.noise_floor_dbfs

    @property
    def is_clipping(self) -> bool:
        """Whether so much was cut off that it harms."""
        return self.clipped_samples > _CLIPPED_SHARE * self.seconds * WAKE_RATE_HZ


class MicLevels:
    """Counts the frames of one test."""

    def __init__(self) -> None:
        self.frames = 0
        self._levels: list[float] = []
        self._peak = self._clipped = 0
        self._sum = 0.0
        self._lowest, self._highest = 32_767, -32_768
        self._recent: list[NDArray[np.int16]] = []
        self._spectra: list[tuple[float, float, float]] = []
        """Of each stretch of 8 frames: power, and the shares of hum at 50 and 60 Hz."""
        self._held, self._held_frames = SILENCE_DBFS, 0
        self._clipped_frames = self._constant_frames = 0

    @property
    def seconds(self) -> float:
        """How much was heard."""
        return self.frames * WAKE_FRAME_SAMPLES / WAKE_RATE_HZ

    def take(self, frame: NDArray[np.int16]) -> None:
        """Count the next frame."""
        wide = frame.astype(np.float64)
        lowest, highest = int(frame.min()), int(frame.max())
        peak = max(-lowest, highest)
        clipped = int(np.count_nonzero(np.abs(wide) >= _CLIPPED))
        self.frames += 1
        self._levels.append(_level_dbfs(float(wide.std())))
        self._sum += float(wide.mean())
        self._peak, self._clipped = max(self._peak, peak), self._clipped + clipped
        self._lowest, self._highest = min(self._lowest, lowest), max(self._highest, highest)
        self._hold(_level_dbfs(peak), clipped > 0, lowest == highest)
        self._recent.append(frame)
        if len(self._recent) == _HUM_FRAMES:
            self._spectra.append(_hum(np.concatenate(self._recent)))
            self._recent.clear()

    def figures(self) -> MicFigures:
        """What was found so far; there must have been a frame."""
        levels = np.array(self._levels)
        floor = float(np.percentile(levels, 10))
        speech = levels[levels >= max(floor, _QUIETEST_FLOOR_DBFS) + _LEAST_SPEECH_DB]
        return MicFigures(
            seconds=self.seconds,
            peak_dbfs=_level_dbfs(self._peak),
            noise_floor_dbfs=floor,
            speech_dbfs=float(np.percentile(speech, 75)) if len(speech) >= _LEAST_SPEECH_FRAMES else None,
            clipped_samples=self._clipped,
            dc_offset=self._sum / self.frames / 32768,
            hum_hz=self._hum_hz() if floor > _HUM_FLOOR_DBFS else 0,
            is_dead=self._lowest == self._highest,
        )

    def line(self) -> str:
        """The state after the last frame, in ASCII."""
        if not self._levels:
            return "no sound yet"
        level = self._levels[-1]
        cells = ["#" if cell < _cell(level) else "." for cell in range(_BAR_CELLS + 1)]
        cells[_cell(self._held)] = ">"
        parts = (f"{level:4.0f} dBFS", f"[{''.join(cells)}]", f"peak {self._held:4.0f}", self._warning())
        return "  ".join(parts).rstrip()

    def _hold(self, peak_dbfs: float, is_clipped: bool, is_constant: bool) -> None:
        self._held_frames -= 1
        if peak_dbfs >= self._held or self._held_frames <= 0:
            self._held, self._held_frames = peak_dbfs, _HOLD_FRAMES
        self._clipped_frames = _HOLD_FRAMES if is_clipped else self._clipped_frames - 1
        self._constant_frames = self._constant_frames + 1 if is_constant else 0

    def _warning(self) -> str:
        if self._constant_frames >= _DEAD_FRAMES:
            return "MICROPHONE SILENT"
        return "CLIPPING" if self._clipped_frames > 0 else ""

    def _hum_hz(self) -> int:
        """The mains frequency whose hum is most of the quietest quarter's power."""
        quiet = sorted(self._spectra)[: max(1, len(self._spectra) // 4)]
        if not quiet:
            return 0
        _, at_50, at_60 = np.mean(quiet, axis=0)
        share, mains_hz = max((float(at_50), 50), (float(at_60), 60))
        return mains_hz if share >= _HUM_SHARE else 0


def advice(figures: MicFigures, input_gain_db: float = 0.0) -> tuple[str, ...]:
    """What is wrong with the microphone and what to do, worst first; empty if nothing is."""
    if figures.is_dead:
        return (
            "The microphone sends one constant value: check its plug and its mute switch, "
            "choose another device (audio.input) or another channel (audio.input_channel).",
        )
    sentences = []
    if figures.is_clipping:
        lower = "audio.input_gain_db" if input_gain_db > 0 else "the card's capture level (alsamixer, F4)"
        sentences.append(f"It clips ({figures.clipped_samples} samples): lower {lower}, or speak from further away.")
    elif figures.speech_dbfs is not None and figures.speech_dbfs < _QUIET_SPEECH_DBFS:
        sentences.append(_too_quiet(figures, input_gain_db))
    if figures.hum_hz:
        sentences.append(
            f"The room's sound is mostly mains hum ({figures.hum_hz} Hz): try another power supply, a shorter cable, "
            "or a USB card away from the HDMI plug."
        )
    if figures.snr_db is not None and figures.snr_db < _NOISY_SNR_DB:
        sentences.append(
            f"Speech is only {figures.snr_db:.0f} dB above the room: move the microphone away from fans, or nearer."
        )
    if abs(figures.dc_offset) > _LARGE_OFFSET:
        sentences.append(
            f"Its samples are off centre by {figures.dc_offset:+.0%} of full scale: that costs loudness, "
            "and is usual only with an I2S microphone that was just switched on."
        )
    return tuple(sentences)


def verdict(figures: MicFigures, input_gain_db: float = 0.0) -> tuple[str, ...]:
    """The advice, or that all is well, or that somebody should speak."""
    wrong = advice(figures, input_gain_db)
    if figures.is_dead or (wrong and figures.speech_dbfs is not None):
        return wrong
    if figures.speech_dbfs is None:
        return (*wrong, "Nobody spoke: run it again and talk, to learn whether speech is loud enough.")
    return (f"The microphone is good: speech is {figures.snr_db:.0f} dB above the room.",)


def _too_quiet(figures: MicFigures, input_gain_db: float) -> str:
    speech_dbfs = figures.speech_dbfs or SILENCE_DBFS
    more_db = min(_GOOD_SPEECH_DBFS - speech_dbfs, _LOUDEST_PEAK_DBFS - figures.peak_dbfs)
    gain_db = min(_MOST_GAIN_DB, math.floor(input_gain_db + more_db))
    return (
        f"Speech is too quiet ({speech_dbfs:.0f} dBFS): raise the card's capture level (alsamixer, F4); "
        f"where it has none, set audio.input_gain_db to {gain_db:.0f}."
    )


def _hum(samples: NDArray[np.int16]) -> tuple[float, float, float]:
    """Power above 20 Hz, and the shares of 50 and 60 Hz with their harmonics in it."""
    power = np.square(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))
    frequencies = np.fft.rfftfreq(len(samples), 1 / WAKE_RATE_HZ).astype(np.float64)
    power[frequencies < 20] = 0.0
    total = float(power.sum())
    if not total:
        return 0.0, 0.0, 0.0
    at_50, at_60 = (float(power[_is_hum(frequencies, mains_hz)].sum()) / total for mains_hz in (50, 60))
    return total, at_50, at_60


def _is_hum(frequencies: NDArray[np.float64], mains_hz: int) -> NDArray[np.bool_]:
    harmonics = mains_hz * np.clip(np.rint(frequencies / mains_hz), 1, _HUM_HARMONICS)
    near: NDArray[np.bool_] = np.abs(frequencies - harmonics) <= _HUM_WIDTH_HZ
    return near


def _level_dbfs(amplitude: float) -> float:
    return max(SILENCE_DBFS, 20 * math.log10(amplitude / 32768)) if amplitude > 0 else SILENCE_DBFS


def _cell(dbfs: float) -> int:
    return round(_BAR_CELLS * min(1.0, max(0.0, 1 - dbfs / _BAR_LOW_DBFS)))
