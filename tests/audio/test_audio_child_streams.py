"""What the card's process does with blocks, without a card: the test asks for blocks and hands captured ones over."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio import wire
from speakerd.audio.child_microphone import Microphone
from speakerd.audio.child_streams import Format, Loudspeaker
from speakerd.audio.pcm import bytes_of, one_channel, samples_of
from speakerd.core.effects import PlayoutLevel

Sound = NDArray[np.int16]
R = TypeVar("R")
AT_24 = Format(24_000, 10, 1)
"""At the session's own rate nothing is resampled."""
INPUT_OVERFLOW, OUTPUT_UNDERFLOW = 2, 4
SOUND: Sound = (np.random.default_rng(1).integers(1_000, 9_000, 48_000)).astype(np.int16)
QUIET: Sound = np.zeros(240, np.int16)


def times(now: float = 0.0, dac: float = 0.02, adc: float = -0.01) -> dict[str, float]:
    return {"current_time": now, "output_buffer_dac_time": now + dac, "input_buffer_adc_time": now + adc}


class Daemon:
    """The other end of the pipe."""

    def __init__(self) -> None:
        self.reports: list[wire.Report] = []
        self.is_full = False

    def take(self, report: wire.Report) -> bool:
        if self.is_full:
            return False
        self.reports.append(report)
        return True

    def of(self, kind: type[R]) -> list[R]:
        return [report for report in self.reports if isinstance(report, kind)]


class Playing:
    """A loudspeaker and what it hands over."""

    def __init__(self, format_: Format | None = AT_24) -> None:
        self.daemon = Daemon()
        self.loudspeaker = Loudspeaker(self.daemon.take)
        self.channels = 1
        if format_:
            self.begin(format_)

    def begin(self, format_: Format) -> None:
        self.channels = format_.channels
        self.loudspeaker.begin(format_)

    def obey(self, *commands: wire.Command) -> None:
        for command in commands:
            self.loudspeaker.obey(command)

    def blocks(self, count: int, frames: int = 240, flags: int = 0) -> Sound:
        pcm = b"".join(self.loudspeaker.block(frames, times(), flags).pcm for _ in range(count))
        return one_channel(pcm, self.channels, 1)

    @property
    def over(self) -> list[tuple[int, int]]:
        return [(report.item, report.handed) for report in self.daemon.of(wire.ItemOver)]


def test_an_item_is_played_and_over_when_its_last_sample_is_heard() -> None:
    playing = Playing()
    playing.obey(wire.Play(1, bytes_of(SOUND[:600])), wire.Finish(1))
    assert playing.blocks(3).tolist() == SOUND[:600].tolist() + [0] * 120
    [over] = playing.daemon.of(wire.ItemOver)
    assert (over.item, over.handed) == (1, 600)
    assert over.heard_in_seconds == pytest.approx(0.02 + 120 / 24_000)


def test_before_there_is_a_card_everything_is_over_at_once() -> None:
    playing = Playing(None)
    playing.obey(
        wire.Play(3, bytes_of(SOUND[:600])), wire.Finish(3), wire.PlayCue(4, bytes_of(SOUND[:9])), wire.Flush(7)
    )
    assert playing.daemon.reports == [wire.ItemOver(3, 0, 0.0), wire.ItemOver(4, 0, 0.0), wire.Flushed(7)]
    playing.begin(AT_24)
    assert not playing.blocks(10).any()


def test_settings_that_came_before_the_card_hold_for_it() -> None:
    playing = Playing(None)
    playing.obey(wire.SetGain(1.0), wire.SetGain(0.5), wire.SetSink(100, is_kept_awake=False))
    playing.begin(AT_24)
    playing.obey(wire.Play(1, bytes_of(SOUND[:2400])))
    came = playing.blocks(15)
    assert np.abs(came[:2400]).max() == 1, "100 ms of noise wake the sink"
    np.testing.assert_allclose(came[2640:3600], SOUND[240:1200] * 0.5, atol=1)


@pytest.mark.parametrize("rate_hz", [24_000, 48_000])
def test_settings_hold_for_the_next_stream(rate_hz: int) -> None:
    playing = Playing()
    playing.obey(wire.SetGain(0.5), wire.SetLevel(PlayoutLevel.HELD.value))
    playing.blocks(3)
    playing.begin(Format(rate_hz, 10, 2))
    playing.obey(wire.Play(1, bytes_of(SOUND[:4800])))
    assert not playing.blocks(10, rate_hz // 100)[rate_hz // 100 :].any(), "answers are still held"
    playing.obey(wire.SetLevel(PlayoutLevel.FULL.value))
    assert 3_000 < np.abs(playing.blocks(10, rate_hz // 100)).max() < 6_500, "the gain is still a half"


def test_a_pause_hands_over_silence_and_the_next_stream_goes_on_where_it_was() -> None:
    playing = Playing()
    playing.obey(wire.Play(1, bytes_of(SOUND[:2400])), wire.Finish(1))
    before = playing.blocks(4)
    playing.loudspeaker.pause()
    assert not playing.loudspeaker.is_quiet.is_set()
    silent = playing.blocks(3)
    assert not playing.loudspeaker.is_quiet.is_set(), "the card may still play what it was given before"
    silent = np.concatenate((silent, playing.blocks(2)))
    assert playing.loudspeaker.is_quiet.is_set()
    assert not silent.any()
    playing.obey(wire.Play(2, bytes_of(SOUND[2400:2700])), wire.Finish(2))
    assert playing.over == []
    playing.begin(AT_24)
    after = playing.blocks(8)
    np.testing.assert_array_equal(np.concatenate((before, after))[:2700], SOUND[:2700])
    assert playing.over == [(1, 2400), (2, 300)]


def test_every_pause_waits_anew() -> None:
    playing = Playing()
    for _ in range(2):
        playing.loudspeaker.pause()
        playing.blocks(4)
        assert playing.loudspeaker.is_quiet.is_set()
        playing.begin(AT_24)
        playing.loudspeaker.pause()
        assert not playing.loudspeaker.is_quiet.is_set()


def test_what_waits_for_a_stream_of_another_rate_is_over_and_unfinished_items_go_on_at_its_rate() -> None:
    playing = Playing()
    playing.obey(
        wire.Play(1, bytes_of(SOUND[:480])),
        wire.Finish(1),
        wire.PlayCue(2, bytes_of(SOUND[:4800])),
        wire.Play(3, bytes_of(SOUND[:4800])),
    )
    playing.blocks(1)
    playing.loudspeaker.pause()
    playing.begin(Format(48_000, 10, 2))
    assert [item for item, _ in playing.over] == [1, 2]
    tone = (8_000 * np.sin(2 * np.pi * 1_000 * np.arange(4_800) / 24_000)).astype(np.int16)
    playing.obey(wire.Play(3, bytes_of(tone)), wire.Finish(3))
    came = playing.blocks(22, 480)
    assert np.argmax(np.abs(np.fft.rfft(came[:9600]))) == 200, "1 kHz in 0.2 s"
    assert [item for item, _ in playing.over] == [1, 2, 3]
    playing.obey(wire.Flush(1))
    assert [item for item, _ in playing.over] == [1, 2, 3], "each is over once"


def test_a_flush_tells_of_each_item_once() -> None:
    playing = Playing()
    playing.obey(wire.Play(1, bytes_of(SOUND[:4800])), wire.Finish(1), wire.Play(2, bytes_of(SOUND[:4800])))
    playing.blocks(2)
    playing.obey(wire.Flush(9))
    assert playing.over == [(1, 480 + 120), (2, 0)]
    assert playing.daemon.reports[-1] == wire.Flushed(9)
    assert not playing.blocks(5)[120:].any()
    assert len(playing.over) == 2


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000, 192_000])
def test_an_item_counts_all_its_samples_at_any_rate(rate_hz: int) -> None:
    playing = Playing(Format(rate_hz, 10, 1))
    for start in range(0, 4_801, 700):
        playing.obey(wire.Play(1, bytes_of(SOUND[start : min(start + 700, 4_801)])))
    playing.obey(wire.Finish(1))
    came = playing.blocks(25, rate_hz // 100)
    assert playing.over == [(1, 4_801)]
    assert np.flatnonzero(came)[-1] == pytest.approx(4_801 * rate_hz / 24_000, abs=0.001 * rate_hz)


def test_pulses_tell_every_100_ms_what_plays_and_how_often_the_card_ran_dry() -> None:
    playing = Playing()
    playing.obey(wire.Play(5, bytes_of(SOUND[:9600])))
    playing.blocks(10)
    playing.blocks(1, flags=OUTPUT_UNDERFLOW)
    playing.blocks(20)
    pulses = playing.daemon.of(wire.Pulse)
    assert [pulse.item for pulse in pulses] == [5, 5, 5, 5]
    assert [pulse.handed for pulse in pulses] == [240, 240 + 2400, 240 + 4800, 240 + 7200]
    assert [pulse.underruns for pulse in pulses] == [0, 1, 1, 1]


def test_what_nobody_hears_is_silence_to_the_microphone() -> None:
    playing = Playing(Format(48_000, 10, 2))
    playing.obey(wire.SetSink(0, is_kept_awake=True))
    soft = playing.loudspeaker.block(480, times(), 0)
    assert any(soft.pcm)
    assert soft.mono is None
    playing.obey(wire.Play(1, bytes_of(SOUND[:4800])))
    for _ in range(12):
        block = playing.loudspeaker.block(480, times(), 0)
        assert block.mono == bytes_of(one_channel(block.pcm, 2, 2))


def test_a_block_of_another_length_goes_on_where_the_last_one_ended() -> None:
    playing = Playing()
    playing.obey(wire.Play(1, bytes_of(SOUND[:4800])), wire.Finish(1))
    came = [playing.blocks(1, frames) for frames in (240, 240, 100, 240, 500, *[240] * 16)]
    np.testing.assert_array_equal(np.concatenate(came)[:4800], SOUND[:4800])
    assert playing.over == [(1, 4800)]


# The microphone


def hearing(rate_hz: int = 48_000, block_ms: int = 10, channels: int = 1, **more: int) -> tuple[Daemon, Microphone]:
    daemon = Daemon()
    format_ = Format(rate_hz, block_ms, channels, is_duplex=True)
    return daemon, Microphone(3, format_, more.get("channel", 0), 1.0, daemon.take)


def listen(microphone: Microphone, blocks: int, frames: int = 480, start: int = 0) -> None:
    for number in range(start, start + blocks):
        part = SOUND[number * frames : (number + 1) * frames]
        microphone.hear(bytes_of(part), bytes(2 * frames), 0)


@pytest.mark.parametrize(
    ("rate_hz", "block_ms"), [(8_000, 20), (11_025, 10), (44_100, 10), (48_000, 10), (48_000, 20), (192_000, 10)]
)
def test_all_that_is_captured_is_reported_once_and_in_order(rate_hz: int, block_ms: int) -> None:
    daemon, microphone = hearing(rate_hz, block_ms)
    frames = rate_hz * block_ms // 1000
    count = len(SOUND) // frames
    far = SOUND[::-1]
    for at in range(0, count * frames, frames):
        microphone.hear(bytes_of(SOUND[at : at + frames]), bytes_of(far[at : at + frames]), 0)
    opened, *reports = daemon.reports
    assert opened == wire.CaptureOpened(3, rate_hz, block_ms, True)
    heard = daemon.of(wire.MicFrame)
    assert len(heard) == len(reports)
    near = np.concatenate([samples_of(frame.pcm[: frame.near_bytes]) for frame in heard])
    played = np.concatenate([samples_of(frame.pcm[frame.near_bytes :]) for frame in heard])
    np.testing.assert_array_equal(near, SOUND[: len(near)])
    np.testing.assert_array_equal(played, far[: len(near)])
    assert [frame.end for frame in heard] == np.cumsum([frame.near_bytes // 2 for frame in heard]).tolist()
    assert len(near) > (count - 7) * frames
    assert not any(frame.was_overrun or frame.is_unpaired for frame in heard)
    assert len(reports) >= count * block_ms / 60 - 1, "the daemon hears at least every 60 ms"
    assert all(len(wire.pack(frame)) <= 1 << 16 for frame in heard)


def test_silence_of_ours_is_not_sent() -> None:
    daemon, microphone = hearing()
    for sounds in [False] * 6 + [True, False, True, True]:
        microphone.hear(bytes_of(SOUND[:480]), bytes_of(SOUND[:480]) if sounds else None, 0)
    *silent, frame = daemon.of(wire.MicFrame)
    assert [len(frame.pcm) - frame.near_bytes for frame in silent] == [0, 0]
    assert frame.pcm[frame.near_bytes :] == bytes_of(
        np.concatenate((SOUND[:480], 0 * SOUND[:480], SOUND[:480], SOUND[:480]))
    )


@pytest.mark.parametrize(
    ("flags", "is_unpaired", "expected"),
    [
        (0, False, (False, False)),
        (INPUT_OVERFLOW, False, (True, True)),
        (1, False, (True, True)),
        (OUTPUT_UNDERFLOW, False, (False, True)),
        (0, True, (False, True)),
    ],
)
@pytest.mark.parametrize("block", [0, 1, 2, 3])
def test_what_was_lost_is_told_exactly_once(
    flags: int, is_unpaired: bool, expected: tuple[bool, bool], block: int
) -> None:
    daemon, microphone = hearing()
    listen(microphone, 12)
    before = len(daemon.of(wire.MicFrame))
    listen(microphone, block)
    microphone.hear(bytes_of(SOUND[:480]), bytes(960), flags, is_unpaired=is_unpaired)
    listen(microphone, 12)
    told = [(frame.was_overrun, frame.is_unpaired) for frame in daemon.of(wire.MicFrame)[before:]]
    assert [one for one in told if one != (False, False)] == [one for one in [expected] if one != (False, False)]


def test_a_report_that_found_the_pipe_full_is_told_by_the_next_one() -> None:
    daemon, microphone = hearing()
    listen(microphone, 12)
    before = len(daemon.of(wire.MicFrame))
    daemon.is_full = True
    listen(microphone, 12)
    daemon.is_full = False
    listen(microphone, 12)
    frames = daemon.of(wire.MicFrame)[before:]
    assert [(frame.was_overrun, frame.is_unpaired) for frame in frames] == [(True, True)] + [(False, False)] * (
        len(frames) - 1
    )
    assert frames[-1].end == 36 * 480, "what was dropped is counted"


def test_one_channel_of_the_card_is_taken() -> None:
    daemon, microphone = hearing(channels=2, channel=2)
    both = np.stack((SOUND[:480], SOUND[480:960]), axis=1)
    for _ in range(6):
        microphone.hear(bytes_of(both.reshape(-1)), bytes(960), 0)
    assert samples_of(daemon.of(wire.MicFrame)[0].pcm)[:480].tolist() == SOUND[480:960].tolist()


def test_of_two_channels_both_are_told_where_their_mean_is_wanted() -> None:
    daemon, microphone = hearing(channels=2)
    for _ in range(3):
        microphone.hear(bytes_of(SOUND[:960]), bytes_of(SOUND[:480]), 0)
    microphone.hear(bytes_of(SOUND[:960]), None, 0)
    assert daemon.of(wire.CaptureOpened) == [wire.CaptureOpened(3, 48_000, 10, True, channels=2)]
    [frame] = daemon.of(wire.MicFrame)
    assert frame.end == 4 * 480
    assert frame.pcm[: frame.near_bytes] == 4 * bytes_of(SOUND[:960])
    assert frame.pcm[frame.near_bytes :] == 3 * bytes_of(SOUND[:480]) + bytes(960)


# Any order


COMMANDS = st.one_of(
    st.builds(wire.Play, st.integers(1, 3), st.integers(0, 900).map(lambda count: bytes_of(SOUND[:count]))),
    st.just("finish"),
    st.just("pause"),
    st.builds(wire.Flush, st.integers(1, 9)),
    st.integers(1, 6),
)


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(COMMANDS, max_size=30))
def test_every_finished_item_is_over_once_whatever_happens(steps: list[wire.Play | wire.Flush | str | int]) -> None:
    """Numbers of items are never used again; a flush ends all of them."""
    playing = Playing()
    base, open_items, finished = 0, set[int](), set[int]()
    for step in [*steps, 1]:
        match step:
            case wire.Play(item=item, pcm=pcm):
                playing.obey(wire.Play(base + item, pcm))
                open_items.add(base + item)
            case "finish":
                playing.obey(*(wire.Finish(item) for item in sorted(open_items)))
                finished |= open_items
                open_items, base = set(), base + 10
            case "pause":
                playing.loudspeaker.pause()
                assert not playing.blocks(2).any()
                playing.begin(AT_24)
            case wire.Flush():
                playing.obey(step)
                finished |= open_items
                open_items, base = set(), base + 10
            case int(count):
                playing.blocks(count)
    playing.blocks(120)
    assert sorted(item for item, _ in playing.over) == sorted(finished)


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(COMMANDS, max_size=30), halves=st.integers(1, 2))
def test_what_is_made_ahead_is_never_heard_once_it_is_wrong(
    steps: list[wire.Play | wire.Flush | str | int], halves: int
) -> None:
    """Beside one to whom a setting is told again before each block, so that it never knows the next one."""
    ahead, anew = Playing(), Playing()
    base = 0
    for step in [wire.SetGain(halves / 2), *steps, 30]:
        for playing in (ahead, anew):
            match step:
                case wire.Play(item=item, pcm=pcm):
                    playing.obey(wire.Play(base + item, pcm))
                case "finish":
                    playing.obey(*(wire.Finish(base + item) for item in (1, 2, 3)))
                case "pause":
                    playing.loudspeaker.pause()
                    playing.blocks(2)
                    playing.begin(AT_24)
                case wire.SetGain() | wire.Flush():
                    playing.obey(step)
        base += 10 * (step == "finish" or isinstance(step, wire.Flush))
        for _ in range(step if isinstance(step, int) else 0):
            anew.obey(wire.SetGain(halves / 2))
            assert ahead.blocks(1).tolist() == anew.blocks(1).tolist()
    assert ahead.over == anew.over
    assert ahead.daemon.of(wire.Flushed) == anew.daemon.of(wire.Flushed)


@pytest.mark.parametrize(
    ("report_ms", "playing_report_ms", "plays", "lengths_ms"),
    [
        (30, None, False, [30] * 8),
        (80, None, False, [80] * 3),
        (80, None, True, [40] * 6),
        (30, 80, False, [30] * 8),
        (30, 80, True, [80] * 3),
        (80, 20, True, [20] * 12),
    ],
)
def test_reports_are_as_long_as_is_wanted(
    report_ms: int, playing_report_ms: int | None, plays: bool, lengths_ms: list[int]
) -> None:
    daemon, microphone = hearing()
    microphone.report_ms = report_ms
    if playing_report_ms is not None:
        microphone.playing_report_ms = playing_report_ms
    for number in range(24):
        part = slice(number * 480, (number + 1) * 480)
        microphone.hear(bytes_of(SOUND[part]), bytes_of(SOUND[part]) if plays else None, 0)
    assert [frame.near_bytes // 96 for frame in daemon.of(wire.MicFrame)] == lengths_ms
