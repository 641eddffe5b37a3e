"""Capture without a card: the test plays the card's process and the audio thread."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speakerd.audio import wire
from speakerd.audio.capture import MicCapture
from speakerd.audio.hearing import Hearing
from speakerd.audio.pcm import bytes_of
from speakerd.audio.resample import resampled
from speakerd.core.effects import LEFT_OFF
from speakerd.core.events import Event, UplinkClosed

SOUND = np.random.default_rng(1).integers(-30_000, 30_000, 24_000 * 8).astype(np.int16)


class Room:
    """Ears, sink, process and audio thread of one capture whose card runs at 24 kHz, so that the uplink is exact."""

    def __init__(self, rate_hz: int = 24_000) -> None:
        self.rate_hz = rate_hz
        self.frames: list[tuple[NDArray[np.int16], int]] = []
        self.rearmed_before: list[int] = []
        self.sent: list[tuple[int, bytes]] = []
        self.closed: list[tuple[int, int]] = []
        """Sessions whose uplink was told to be closed, and how many bytes they had then."""
        self.commands: list[wire.Command] = []
        self.paces_ms: list[int] = []
        self.hearing = Hearing(self, self.hand_over, self.post, lambda: 5.0)
        self.capture = MicCapture(self.hearing, lambda: 5.0)
        self.captured = 0
        self.plug_in()

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        self.frames.append((frame, end_sample))

    def hear_playout(self, frame: NDArray[np.int16]) -> None:
        pytest.fail("a microphone has no playout")

    def hear_talker(self, is_there: bool) -> None:
        pytest.fail("nobody can speak over our own sound where there is none")

    def post(self, event: Event) -> None:
        assert isinstance(event, UplinkClosed), "nothing else is found out here"
        self.closed.append((event.session, len(self.sent_to(event.session))))

    def rearm(self) -> None:
        self.rearmed_before.append(len(self.frames))

    def hand_over(self, session: int, pcm: bytes) -> None:
        self.sent.append((session, pcm))

    def send(self, command: wire.Command) -> None:
        if isinstance(command, wire.SetPace):
            self.paces_ms.append(command.report_ms)
        else:
            self.commands.append(command)

    def plug_in(self) -> None:
        self.capture.attach(self)
        self.begin()

    def begin(self) -> None:
        last = self.commands[-1]
        assert isinstance(last, wire.OpenCapture)
        self.epoch = last.epoch
        self.hearing.obey()
        self.hearing.opened(wire.CaptureOpened(last.epoch, self.rate_hz, 10, is_duplex=True))

    def capture_sound(self, count: int, was_overrun: bool = False, step: int = 240) -> None:
        for start in range(0, count, step):
            piece = SOUND[self.captured : self.captured + min(step, count - start)]
            self.captured += len(piece)
            self.hearing.obey()
            self.hearing.hear(self.frame(piece, was_overrun))

    def frame(self, piece: NDArray[np.int16], was_overrun: bool = False) -> wire.MicFrame:
        pcm = bytes_of(piece)
        return wire.MicFrame(self.epoch, self.captured, was_overrun, was_overrun, len(pcm), pcm)

    def sent_to(self, session: int) -> bytes:
        return b"".join(pcm for to, pcm in self.sent if to == session)


def test_the_wake_word_hears_every_sample_in_frames_with_positions() -> None:
    room = Room(48_000)
    room.capture_sound(48_000)
    expected = resampled(SOUND[:48_000], 48_000, 16_000)
    assert [end for _, end in room.frames] == [1280 * (n + 1) for n in range(12)]
    np.testing.assert_array_equal(np.concatenate([frame for frame, _ in room.frames]), expected[: 1280 * 12])
    assert room.rearmed_before == [0]


@pytest.mark.parametrize(
    ("since_sample", "start"),
    [
        (6_400, 9_600),  # 400 ms
        (-1_000, 0),  # the stream is younger than the pre-roll
        (None, 24_000),  # now
        (99_999, 24_000),  # nothing is sent twice or from the future
    ],
)
def test_the_uplink_begins_with_the_preroll(since_sample: int | None, start: int) -> None:
    room = Room()
    room.capture_sound(24_000)
    room.capture.open_uplink(4, since_sample)
    room.capture_sound(24_000)
    room.capture.close_uplink()
    room.capture_sound(24_000)
    assert room.sent_to(4) == bytes_of(SOUND[start:48_000])
    assert {len(pcm) for _, pcm in room.sent[:-1]} <= {960, 4800}, "20 ms as they come, and what was waiting in 100 ms"
    [span] = room.hearing.spans
    assert (span.session, span.start, span.end, span.samples) == (4, start, 48_000, 48_000 - start)
    assert span.sha256 == hashlib.sha256(bytes_of(SOUND[start:48_000])).hexdigest()


def test_the_next_session_goes_on_where_the_uplink_ended_and_both_have_all_of_theirs() -> None:
    room = Room()
    room.capture_sound(24_000)
    room.capture.open_uplink(4, None)
    room.capture_sound(12_000)
    room.capture.close_uplink()
    room.capture_sound(30_000)
    room.capture.open_uplink(5, LEFT_OFF)
    room.capture_sound(6_000)
    room.capture.close_uplink()
    room.capture_sound(2_400)
    assert room.sent_to(4) == bytes_of(SOUND[24_000:36_000])
    assert room.sent_to(5) == bytes_of(SOUND[36_000:72_000])
    assert room.closed == [(4, 24_000), (5, 72_000)], "told after the last sample, once each"


def test_sound_comes_sooner_while_somebody_is_sent_it() -> None:
    """The daemon is woken seldom while only the wake word listens."""
    room = Room()
    assert room.paces_ms == [80]
    room.capture.open_uplink(1, None)
    assert room.paces_ms[-1] == 30
    room.capture.close_uplink()
    assert room.paces_ms[-1] == 80


def test_the_uplink_is_never_later_than_one_piece() -> None:
    room = Room()
    room.capture.open_uplink(1, None)
    for count in range(240, 24_000, 240):
        room.capture_sound(240)
        assert len(room.sent_to(1)) // 2 == count // 480 * 480


def test_a_session_that_opens_late_loses_nothing() -> None:
    room = Room()
    room.capture_sound(24_000 * 7)
    room.capture.open_uplink(1, 16_000)
    room.capture_sound(240)
    room.capture.close_uplink()
    room.hearing.obey()
    assert room.sent_to(1) == bytes_of(SOUND[24_000 : 24_000 * 7 + 240])


def test_nothing_is_sent_without_an_uplink() -> None:
    room = Room()
    room.capture_sound(24_000)
    room.capture.close_uplink()
    room.capture_sound(24_000)
    assert room.sent == []


def test_a_second_uplink_ends_the_first_without_a_gap() -> None:
    room = Room()
    room.capture.open_uplink(1, None)
    room.capture_sound(1_000)
    room.capture.open_uplink(2, None)
    room.capture_sound(1_000)
    room.capture.close_uplink()
    room.hearing.obey()
    assert room.sent_to(1) == bytes_of(SOUND[:1_000])
    assert room.sent_to(2) == bytes_of(SOUND[1_000:2_000])


def test_mute_closes_the_stream_and_drops_what_is_still_on_its_way() -> None:
    room = Room()
    room.capture.open_uplink(1, None)
    room.capture_sound(2_400)
    room.capture.close()
    assert room.commands[-1] == wire.CloseCapture()
    heard = len(room.frames)
    room.capture_sound(24_000)
    assert room.sent_to(1) == bytes_of(SOUND[:2_400])
    assert len(room.frames) == heard
    assert (room.capture.is_open, room.capture.is_heard) == (False, False)


def test_after_a_mute_positions_go_on_and_the_preroll_holds_nothing_older() -> None:
    room = Room()
    room.capture_sound(24_001)
    room.capture.close()
    room.capture.open()
    heard_before = room.capture.is_heard
    room.begin()
    room.capture_sound(4_800)
    assert (heard_before, room.capture.is_heard) == (False, True)
    base = 24_003  # the next instant that both rates can name
    assert room.frames[-1][1] == base * 2 // 3 + 1280 * 2
    assert room.rearmed_before == [0, 12]
    room.capture.open_uplink(1, 10)
    room.capture_sound(240)
    room.capture.close_uplink()
    room.hearing.obey()
    assert room.sent_to(1) == bytes_of(SOUND[24_001 : 24_001 + 5_040])
    assert room.hearing.spans[0].start == base


def test_an_uplink_asked_for_before_the_stream_begins_waits_for_it() -> None:
    room = Room()
    room.capture_sound(1_001)
    room.capture.close()
    room.capture.open()
    room.capture.open_uplink(1, None)
    room.hearing.obey()
    room.begin()
    room.capture_sound(2_400)
    room.capture.close_uplink()
    room.hearing.obey()
    assert room.sent_to(1) == bytes_of(SOUND[1_001:3_401])


def test_opening_what_is_open_changes_nothing() -> None:
    room = Room()
    room.capture.open()
    assert room.commands == [wire.OpenCapture(1)]


def test_lost_samples_rearm_the_ears_and_are_counted() -> None:
    room = Room()
    room.capture_sound(2_400)
    room.capture_sound(240, was_overrun=True)
    assert room.rearmed_before == [0, 1]
    assert room.hearing.overruns == 1


def test_a_lost_card_ends_the_uplink_with_all_that_was_captured() -> None:
    room = Room()
    room.capture.open_uplink(1, None)
    room.capture_sound(1_000)
    room.hearing.end()
    room.capture.attach(None)
    room.capture.open_uplink(2, None)
    room.plug_in()
    room.capture_sound(2_400)
    assert room.sent_to(1) == bytes_of(SOUND[:1_000])
    assert room.sent_to(2) == b""
    assert room.rearmed_before[-1] == 0
    assert room.frames[0][1] > 1280


def test_a_card_that_comes_while_muted_is_not_listened_to() -> None:
    room = Room()
    room.capture.close()
    room.capture.attach(None)
    room.commands.clear()
    room.capture.attach(room)
    assert room.commands == [wire.CloseCapture()]
    room.capture.open()
    assert isinstance(room.commands[1], wire.OpenCapture)


@settings(max_examples=80, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.integers(1, 3_000),
            st.tuples(st.just("open"), st.none() | st.integers(0, 20_000)),
            st.just("close"),
        ),
        max_size=14,
    ),
    frame=st.integers(1, 700),
)
def test_any_order_of_sound_and_orders_sends_each_sample_once(
    steps: list[int | str | tuple[str, int | None]], frame: int
) -> None:
    room = Room()
    expected: dict[int, tuple[int, int | None]] = {}
    session = 0

    def close() -> None:
        if session in expected and expected[session][1] is None:
            expected[session] = (expected[session][0], room.captured)

    for step in [*steps, "close"]:
        match step:
            case int(count):
                room.capture_sound(count, step=frame)
            case (_, since):
                close()
                session += 1
                room.capture.open_uplink(session, since)
                start = room.captured if since is None else min(room.captured, int(since) * 3 // 2)
                expected[session] = (max(0, start), None)
            case _:
                close()
                room.capture.close_uplink()
    room.hearing.obey()
    for number, (start, end) in expected.items():
        assert room.sent_to(number) == bytes_of(SOUND[start:end])
    assert [span.session for span in room.hearing.spans] == list(expected)
