"""What is played beside what is captured, of one stream and of two; the test makes up the times of the cards."""

from __future__ import annotations

import numpy as np
import pytest

from speakerd.audio import wire
from speakerd.audio.child_clocks import ByTime, InStep
from speakerd.audio.child_microphone import Microphone
from speakerd.audio.child_streams import Format
from speakerd.audio.pairing import LEAD_MS
from speakerd.audio.pcm import bytes_of, clip_int16, samples_of

INPUT_OVERFLOW, OUTPUT_UNDERFLOW = 2, 4
SOUND = np.random.default_rng(1).integers(1_000, 9_000, 480).astype(np.int16)


def hearing(rate_hz: int) -> tuple[list[wire.Report], Microphone]:
    """A microphone, and what it reports."""
    reports: list[wire.Report] = []

    def take(report: wire.Report) -> bool:
        reports.append(report)
        return True

    return reports, Microphone(3, Format(rate_hz, 10, 1), 0, 1.0, take)


@pytest.mark.parametrize("ppm", [-100, 0, 60])
def test_one_stream_in_step_tells_its_clocks_once_a_second(ppm: int) -> None:
    reports, microphone = hearing(48_000)
    clocks, random = InStep(48_000), np.random.default_rng(1)
    for number in range(6000):
        jitter = random.uniform(-0.0005, 0.0005, 2)
        now = 5 + number * 0.01 / (1 + ppm / 1e6)
        dac, adc = now + 0.02 + jitter[0], now - 0.01 + jitter[1]
        clocks.pass_block(480, {"output_buffer_dac_time": dac, "input_buffer_adc_time": adc}, 0, microphone)
    told = [report for report in reports if isinstance(report, wire.Clocks)]
    assert len(told) == pytest.approx(60, abs=1)
    assert told[-1].capture_ppm == pytest.approx(ppm, abs=5)
    assert told[-1].playout_ppm == pytest.approx(ppm, abs=5)
    assert [clock.reference_ms for clock in told[3:]] == pytest.approx([30.0] * len(told[3:]), abs=0.6)


@pytest.mark.parametrize("flags", [INPUT_OVERFLOW, OUTPUT_UNDERFLOW])
def test_an_xrun_is_no_drift(flags: int) -> None:
    reports, microphone = hearing(48_000)
    clocks = InStep(48_000)
    for number in range(3000):
        now = 5 + number * 0.01 + 0.02 * (number >= 1500)
        now_at = {"output_buffer_dac_time": now + 0.02, "input_buffer_adc_time": now - 0.01}
        clocks.pass_block(480, now_at, flags * (number == 1500), microphone)
    told = [report for report in reports if isinstance(report, wire.Clocks)]
    assert [clock.capture_ppm for clock in told] == pytest.approx([0.0] * len(told), abs=1)
    assert [clock.playout_ppm for clock in told] == pytest.approx([0.0] * len(told), abs=1)


@pytest.mark.parametrize(("far_hz", "near_hz"), [(48_000, 16_000), (44_100, 48_000), (16_000, 16_000)])
def test_two_streams_are_paired_by_their_times_whatever_their_rates(far_hz: int, near_hz: int) -> None:
    """The far end in a report is what is heard LEAD_MS later than what was captured."""
    reports, microphone = hearing(near_hz)
    pair = ByTime(far_hz, near_hz)
    far_at, near_at = np.arange(2 * far_hz) / far_hz, np.arange(2 * near_hz) / near_hz
    chirp = [8_000 * np.sin(2 * np.pi * (200 * at + 300 * at**2)) for at in (far_at, near_at)]
    far, expected = (clip_int16(wave) for wave in chirp)
    near_block, far_block = near_hz // 100, far_hz // 100
    for number in range(150):
        start = number * far_block
        block = far[start : start + far_block]
        pair.played(bytes_of(block), {"output_buffer_dac_time": 10 + start / far_hz}, 0)
        if number >= 5:
            adc = 10 + (number - 5) / 100
            captured = bytes_of(SOUND[:near_block])
            pair.pass_block(captured, near_block, {"input_buffer_adc_time": adc}, 0, microphone)
    frames = [report for report in reports if isinstance(report, wire.MicFrame)]
    # The first report has silence for what the resampler holds back.
    played = np.concatenate([samples_of(frame.pcm[frame.near_bytes :]) for frame in frames])
    lead = round(LEAD_MS / 1000 * near_hz)
    half = slice(near_hz // 2, near_hz)
    wanted = expected[half.start + lead : half.stop + lead]
    off = [float(np.abs(played[half.start + lag : half.stop + lag] - wanted).max()) for lag in range(-3, 4)]
    assert min(off) < 700, "a sample more or less"
    assert abs(np.argmin(off) - 3) <= 2, "in samples"
    assert not any(frame.is_unpaired for frame in frames)


@pytest.mark.parametrize(("near_flags", "far_flags"), [(INPUT_OVERFLOW, 0), (0, OUTPUT_UNDERFLOW)])
def test_after_an_xrun_of_one_of_two_streams_the_pair_is_told_to_be_anew(near_flags: int, far_flags: int) -> None:
    reports, microphone = hearing(16_000)
    pair = ByTime(16_000, 16_000)
    lost_near = lost_far = 0.0
    for number in range(200):
        is_xrun = number == 100
        lost_near += 0.03 * (is_xrun and near_flags > 0)
        lost_far += 0.03 * (is_xrun and far_flags > 0)
        dac, adc = 10.05 + number / 100 + lost_far, 10 + number / 100 + lost_near
        marks = np.arange(number * 160 + 2, number * 160 + 162).astype(np.int16)
        pair.played(bytes_of(marks), {"output_buffer_dac_time": dac}, far_flags * is_xrun)
        flags = near_flags * is_xrun
        pair.pass_block(bytes_of(marks), 160, {"input_buffer_adc_time": adc}, flags, microphone)
    frames = [report for report in reports if isinstance(report, wire.MicFrame)]
    assert sum(frame.is_unpaired for frame in frames) == 1
    last = samples_of(frames[-1].pcm)
    near, far = last[: len(last) // 2], last[len(last) // 2 :]
    late = 0.05 + lost_far - lost_near
    assert near[0] - far[0] == pytest.approx((late - LEAD_MS / 1000) * 16_000, abs=2)
