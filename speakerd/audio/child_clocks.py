"""What is played beside what is captured, for the card's process: in one stream, or in two that have two clocks."""

from __future__ import annotations

import threading

from speakerd.audio.child_microphone import Microphone
from speakerd.audio.child_streams import INPUT_LOST, OUTPUT_LOST, Times
from speakerd.audio.pairing import LEAD_MS, Pairing
from speakerd.audio.pcm import bytes_of, samples_of
from speakerd.audio.resample import Resampler
from speakerd.audio.stream_clock import StreamClock

_CLOCKED_BLOCKS = 10
"""Of so many blocks of one stream the times of one are taken: both directions are in step anyway."""


class InStep:
    """The clocks of one stream in both directions: what is captured and played in one callback belongs together."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._position = self._blocks = 0
        self._begin()

    def pass_block(self, frames: int, times: Times, flags: int, microphone: Microphone) -> None:
        """Take the times of a block."""
        if flags & (INPUT_LOST | OUTPUT_LOST):
            self._begin()
        self._blocks += 1
        if self._blocks % _CLOCKED_BLOCKS:
            self._position += frames
            return
        adc_seconds, dac_seconds = times["input_buffer_adc_time"], times["output_buffer_dac_time"]
        self._capture.update(self._position, adc_seconds)
        self._playout.update(self._position, dac_seconds)
        reference_seconds = self._playout.seconds_at(self._position) - self._capture.seconds_at(self._position)
        self._position += frames
        microphone.tell_clocks(frames * _CLOCKED_BLOCKS, self._capture.ppm, self._playout.ppm, reference_seconds)

    def _begin(self) -> None:
        self._capture, self._playout = StreamClock(self._rate_hz), StreamClock(self._rate_hz)


class ByTime:
    """What two streams of different cards capture and play at one time; the loudspeaker's rate may be another."""

    def __init__(self, far_rate_hz: int, near_rate_hz: int) -> None:
        self._lock = threading.Lock()
        self._pairing = Pairing(near_rate_hz)
        self._to_near_rate = Resampler(far_rate_hz, near_rate_hz)

    def played(self, mono: bytes, times: Times, flags: int) -> None:
        """The loudspeaker was given this mono PCM."""
        samples = self._to_near_rate.process(samples_of(mono))
        seconds = times["output_buffer_dac_time"] - self._to_near_rate.delay_seconds
        with self._lock:
            self._pairing.played(samples, seconds, was_lost=bool(flags & OUTPUT_LOST))

    def pass_block(self, data: bytes, frames: int, times: Times, flags: int, microphone: Microphone) -> None:
        """Hand on a captured block beside what was played at its time."""
        with self._lock:
            seconds, was_lost = times["input_buffer_adc_time"], bool(flags & INPUT_LOST)
            far, is_unpaired = self._pairing.far_for(frames, seconds, was_lost=was_lost)
            ppms = self._pairing.near_clock.ppm, self._pairing.far_clock.ppm
        microphone.hear(data, bytes_of(far) if far.any() else None, flags, is_unpaired=is_unpaired)
        microphone.tell_clocks(frames, *ppms, LEAD_MS / 1000)
