"""What is found out while the microphone is heard: the user's turns, silence, and talkers over our own sound."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echo_sounds import Sound, echo_of, speech_shaped
from speakerd.audio import wire
from speakerd.audio.hearing import Hearing, Order
from speakerd.audio.own_turns import TurnRules
from speakerd.audio.pcm import bytes_of, clip_int16
from speakerd.audio.resample import resampled
from speakerd.core.events import Event, UplinkClosed, UtteranceBegan, UtteranceEnded, VoiceGone, VoiceHeard, VoiceHinted
from speakerd.demo.user_voice import synthesise

TWO_SECONDS = pytest.approx(48_000, abs=480)
"""Silence is looked at in pieces of 20 ms."""
NOTHING: Sound = np.zeros(0, np.int16)


class Room:
    """Ears, sink and inbox of a hearing, and the card's process before it; all calls are kept in order."""

    def __init__(self, turns: TurnRules | None = None, *, rate_hz: int = 24_000, cancels_echo: bool = False) -> None:
        self.rate_hz = rate_hz
        self.calls: list[str] = []
        self.talkers: list[bool] = []
        self.playout: list[Sound] = []
        self.wake_end = 0
        self.events: list[Event] = []
        self.posted_at: list[int] = []
        self.sent: list[tuple[int, bytes]] = []
        self.paces_ms: list[int] = []
        self.paced_at: list[int] = []
        self.heard: Sound = NOTHING
        """All that the microphone heard."""
        self.hearing = Hearing(self, self.hand_over, self.post, lambda: 5.0, cancels_echo=cancels_echo, turns=turns)
        self.open_stream()

    def hear(self, frame: Sound, end_sample: int) -> None:
        self.calls.append("hear")
        self.wake_end = end_sample

    def hear_playout(self, frame: Sound) -> None:
        assert frame.shape == (1280,)
        self.calls.append("playout")
        self.playout.append(frame)

    def hear_talker(self, is_there: bool) -> None:
        self.calls.append("talker")
        self.talkers.append(is_there)

    def rearm(self) -> None:
        self.calls.append("rearm")

    def post(self, event: Event) -> None:
        self.events.append(event)
        self.posted_at.append(len(self.heard))

    def hand_over(self, session: int, pcm: bytes) -> None:
        self.sent.append((session, pcm))

    def send(self, command: wire.Command) -> None:
        assert isinstance(command, wire.SetPlayingPace)
        self.paces_ms.append(command.report_ms)
        self.paced_at.append(len(self.heard))

    def open_stream(self) -> None:
        self.hearing.epoch += 1
        self.hearing.opened(wire.CaptureOpened(self.hearing.epoch, self.rate_hz, 10, is_duplex=True))

    def open_uplink(self, session: int) -> None:
        self.hearing.orders.append(Order(session, self.hearing.ring.end))

    def close_uplink(self) -> None:
        self.hearing.orders.append(Order(None, self.hearing.ring.end))

    def listen(self, near: Sound, far: Sound = NOTHING, *, is_unpaired: bool = False) -> None:
        step = self.rate_hz // 50
        for at in range(0, len(near), step):
            piece, played = near[at : at + step], far[at : at + step]
            self.heard = np.concatenate((self.heard, piece))
            self.hearing.obey()
            pcm = bytes_of(piece) + bytes_of(played)
            end = len(self.heard)
            self.hearing.hear(wire.MicFrame(self.hearing.epoch, end, False, is_unpaired, 2 * len(piece), pcm))

    def sent_to(self, session: int) -> bytes:
        return b"".join(pcm for to, pcm in self.sent if to == session)


@cache
def command() -> Sound:
    pcm, rate_hz = synthesise("turn on the kitchen light")
    return clip_int16(np.trim_zeros(resampled(pcm, rate_hz, 24_000)) * 0.5)


def silence(seconds: float, seed: int = 1) -> Sound:
    """A quiet room; no two stretches are alike."""
    return np.random.default_rng(seed).normal(0, 8, round(seconds * 24_000)).astype(np.int16)


def in_room(*parts: Sound) -> Sound:
    sound = np.concatenate(parts)
    return sound + silence(len(sound) / 24_000, seed=9)[: len(sound)]


# The user's turns


def test_a_turn_is_told_with_its_session_and_position() -> None:
    room = Room(TurnRules(finds_turns=True, silence_ms=700))
    room.open_uplink(4)
    room.listen(in_room(silence(1.0), command(), silence(1.5)))
    began, ended = room.events
    assert isinstance(began, UtteranceBegan)
    assert isinstance(ended, UtteranceEnded)
    assert (began.session, ended.session) == (4, 4)
    end = 16_000 + len(command()) * 2 // 3
    assert 16_000 < began.sample <= 16_000 + 0.4 * 16_000
    assert end + 0.4 * 16_000 <= ended.sample <= end + 0.9 * 16_000
    told_at = [at * 2 / 3 for at in room.posted_at]
    assert [began.sample, ended.sample] == pytest.approx(told_at, abs=480), "told when it is known"


def test_without_an_uplink_nobody_is_told() -> None:
    room = Room(TurnRules(finds_turns=True))
    room.listen(in_room(silence(1.0), command(), silence(1.5)))
    assert room.events == []


def test_a_session_that_opens_in_the_middle_of_a_turn_is_told_of_it() -> None:
    room = Room(TurnRules(finds_turns=True, silence_ms=700))
    sound = in_room(silence(1.0), command(), silence(1.5))
    middle = 24_000 + len(command()) // 2
    room.listen(sound[:middle])
    room.open_uplink(7)
    room.listen(sound[middle:])
    assert [type(event) for event in room.events] == [UtteranceBegan, UtteranceEnded]
    assert room.posted_at[0] <= middle + 480


def test_a_turn_that_outlives_its_uplink_is_not_told_to_be_over() -> None:
    room = Room(TurnRules(finds_turns=True, silence_ms=700))
    room.open_uplink(4)
    room.listen(in_room(silence(1.0), command()))
    room.close_uplink()
    room.listen(silence(2.0))
    assert [type(event) for event in room.events] == [UtteranceBegan, UplinkClosed]


def test_a_turn_that_is_over_before_the_next_session_is_there_is_told_when_all_of_it_is_sent() -> None:
    """Else nobody would answer what was said while the connection was broken."""
    room = Room(TurnRules(finds_turns=True, silence_ms=700))
    sound = in_room(silence(1.0), command(), silence(1.5))
    middle = 24_000 + len(command()) // 2
    room.open_uplink(4)
    room.listen(sound[:middle])
    left_off = room.hearing.ring.end
    room.close_uplink()
    room.listen(sound[middle:])
    room.hearing.orders.append(Order(7, left_off))
    room.hearing.obey()
    assert [type(event) for event in room.events] == [UtteranceBegan, UplinkClosed, UtteranceBegan, UtteranceEnded]
    assert len(room.sent_to(7)) >= 2 * (room.hearing.ring.end - left_off - 480)
    room.close_uplink()
    room.open_uplink(8)
    room.listen(silence(0.1))
    assert len(room.events) == 5, "told once"


@pytest.mark.parametrize("speaks_again", [False, True])
def test_a_turn_that_was_over_before_the_next_one_is_activated_is_nobodys(speaks_again: bool) -> None:
    room = Room(TurnRules(finds_turns=True, silence_ms=700))
    room.open_uplink(4)
    room.listen(in_room(silence(1.0), command()))
    room.close_uplink()
    room.listen(silence(2.0))
    before = room.hearing.ring.end
    room.listen(in_room(command(), silence(1.5)) if speaks_again else silence(1.5))
    room.hearing.orders.append(Order(7, before))
    room.listen(silence(0.1))
    assert [type(event) for event in room.events] == [UtteranceBegan, UplinkClosed]


def test_turns_are_not_told_where_nobody_asked() -> None:
    room = Room(TurnRules(trims_silence=True))
    room.open_uplink(4)
    room.listen(in_room(silence(1.0), command(), silence(1.5)))
    assert room.events == []


# Silence that is not sent


def prove(room: Room) -> None:
    """Every sample handed over was handed over once and in order, and is what the microphone heard there."""
    spans = room.hearing.spans
    for span in spans:
        pcm = bytes_of(room.heard[span.start : span.end])
        assert (span.samples, span.sha256) == (span.end - span.start, hashlib.sha256(pcm).hexdigest())
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert b"".join(pcm for _, pcm in room.sent) == b"".join(
        bytes_of(room.heard[span.start : span.end]) for span in spans
    )


def test_what_nobody_says_is_left_out() -> None:
    room = Room(TurnRules(trims_silence=True))
    room.open_uplink(4)
    room.listen(in_room(silence(5.0), command(), silence(6.0)))
    prove(room)
    first, second = room.hearing.spans
    assert (first.session, second.session) == (4, 4)
    assert first.start == 0
    assert first.end == TWO_SECONDS, "a server that ends turns by itself hears silence for so long"
    onset, end = 5 * 24_000, 5 * 24_000 + len(command())
    assert onset - 24_000 * 0.6 <= second.start <= onset - 24_000 * 0.3, "from before the first sign of a voice"
    assert end + 2 * 24_000 <= second.end <= end + 3.5 * 24_000


def test_without_trimming_all_is_sent() -> None:
    room = Room(TurnRules(finds_turns=True))
    room.open_uplink(4)
    room.listen(silence(4.0))
    room.close_uplink()
    room.hearing.obey()
    assert room.sent_to(4) == bytes_of(room.heard)


def test_an_uplink_that_is_closed_while_it_rests_stays_closed() -> None:
    room = Room(TurnRules(trims_silence=True))
    room.open_uplink(4)
    room.listen(silence(3.0))
    room.close_uplink()
    room.listen(in_room(command()))
    prove(room)
    [span] = room.hearing.spans
    assert span.end == TWO_SECONDS


def test_the_next_session_begins_with_two_seconds_also_while_the_last_one_rests() -> None:
    room = Room(TurnRules(trims_silence=True))
    room.open_uplink(4)
    room.listen(silence(3.0))
    room.open_uplink(5)
    room.listen(silence(3.0, seed=2))
    prove(room)
    assert [(span.session, span.start) for span in room.hearing.spans] == [(4, 0), (5, 72_000)]
    assert [span.samples for span in room.hearing.spans] == [TWO_SECONDS, TWO_SECONDS]


def test_speech_after_a_short_rest_repeats_nothing() -> None:
    room = Room(TurnRules(trims_silence=True))
    room.open_uplink(4)
    room.listen(in_room(silence(2.2), command(), silence(1.0)))
    room.close_uplink()
    room.hearing.obey()
    prove(room)
    assert room.sent_to(4) == bytes_of(room.heard), "the look-back reaches to where it rested"


def test_a_lost_card_ends_a_resting_uplink() -> None:
    room = Room(TurnRules(trims_silence=True))
    room.open_uplink(4)
    room.listen(silence(3.0))
    room.hearing.end()
    room.open_stream()
    room.listen(in_room(command()))
    prove(room)
    assert len(room.hearing.spans) == 1


@settings(max_examples=20, deadline=None)
@given(
    steps=st.lists(
        st.one_of(st.sampled_from(["open", "close", "speak"]), st.floats(0.05, 2.5)), min_size=1, max_size=10
    )
)
def test_any_order_of_speech_silence_and_orders_hands_each_sample_over_once(steps: list[str | float]) -> None:
    room = Room(TurnRules(finds_turns=True, trims_silence=True))
    session = 0
    for step in steps:
        match step:
            case "open":
                session += 1
                room.close_uplink()
                room.open_uplink(session)
            case "close":
                room.close_uplink()
            case "speak":
                room.listen(in_room(command()))
            case _:
                room.listen(silence(float(step), seed=int(float(step) * 1000)))
    room.close_uplink()
    room.hearing.obey()
    prove(room)
    told = [event for event in room.events if isinstance(event, UtteranceBegan | UtteranceEnded)]
    assert {event.session for event in told} <= set(range(1, session + 1))


# Over our own sound

OWN = speech_shaped(9, seed=6)
ECHO = echo_of(OWN, 60)
TALKER = speech_shaped(9, seed=8, rms=3_000)
QUIET: Sound = np.zeros(9 * 16_000, np.int16)


def over_playout() -> Room:
    return Room(rate_hz=16_000, cancels_echo=True)


def test_our_own_sound_and_whether_somebody_speaks_is_told_before_each_frame_it_belongs_to() -> None:
    room = over_playout()
    room.listen(ECHO[:32_000], OWN[:32_000])
    order = [call for call in room.calls if call != "rearm"]
    assert order.count("playout") == order.count("hear") == 25
    at = [number for number, call in enumerate(order) if call == "hear"]
    for first, last in pairwise([-1, *at]):
        assert sorted(order[first + 1 : last]) == ["playout", "talker", "talker", "talker", "talker"]
    assert not any(room.talkers)
    np.testing.assert_array_equal(np.concatenate(room.playout), OWN[:32_000])


def test_while_nothing_plays_nothing_is_told_of_a_talker() -> None:
    room = over_playout()
    room.listen(TALKER[:32_000])
    assert (room.talkers, room.playout, room.events) == ([], [], [])


def test_a_talker_is_told_with_positions_and_is_gone_in_the_end() -> None:
    room = over_playout()
    room.listen(ECHO[:80_000], OWN[:80_000])
    assert room.events == []
    start = 80_000
    part = slice(start, start + 16_000)
    room.listen(ECHO[part] + TALKER[part], OWN[part])
    hinted, heard = room.events[:2]
    assert isinstance(hinted, VoiceHinted)
    assert isinstance(heard, VoiceHeard)
    assert start < hinted.sample <= heard.sample <= start + 0.4 * 16_000
    assert True in room.talkers
    room.listen(ECHO[96_000:128_000], OWN[96_000:128_000])
    gone = room.events[-1]
    assert isinstance(gone, VoiceGone)
    assert gone.sample > heard.sample
    assert room.hearing.echo_delay_ms == pytest.approx(60, abs=1)


def test_an_echo_is_looked_at_seldom_until_somebody_may_speak_over_it() -> None:
    room = over_playout()
    room.hearing.link = room
    room.listen(TALKER[:32_000])
    assert room.paces_ms == [], "nothing of our own is heard yet"
    room.listen(ECHO[:80_000], OWN[:80_000])
    assert room.paces_ms == [80]
    part = slice(80_000, 96_000)
    room.listen(ECHO[part] + TALKER[part], OWN[part])
    assert room.paces_ms == [80, 20]
    hurried_at = room.paced_at[-1]
    hinted = next(at for event, at in zip(room.events, room.posted_at, strict=True) if isinstance(event, VoiceHinted))
    assert hurried_at <= hinted
    room.listen(ECHO[96_000:128_000], OWN[96_000:128_000])
    assert room.paces_ms == [80, 20, 80]
    room.open_stream()
    room.listen(ECHO[:8000], OWN[:8000])
    assert room.paces_ms[3:4] == [80], "a new stream knows of nothing"


def test_after_lost_samples_no_talker_is_told_for_a_while() -> None:
    room = over_playout()
    room.listen(ECHO[:80_000], OWN[:80_000])
    part = slice(80_000, 84_480)
    for at in range(part.start, part.stop, 320):
        piece = slice(at, at + 320)
        room.listen(ECHO[piece] + TALKER[piece], OWN[piece], is_unpaired=at == part.start)
    assert room.events == []


def test_where_the_card_cancels_its_echo_our_own_sound_is_told_and_no_talker() -> None:
    room = Room(rate_hz=16_000, cancels_echo=False)
    room.listen(TALKER[:32_000], OWN[:32_000])
    np.testing.assert_array_equal(np.concatenate(room.playout), OWN[:32_000])
    assert (room.talkers, room.events) == ([], [])


def test_what_is_left_of_our_own_voice_is_no_turn_of_the_users() -> None:
    """A loudspeaker that rattles leaves bursts which sound like a voice."""
    own = np.concatenate([resampled(command(), 24_000, 16_000)] * 5)
    room = Room(TurnRules(finds_turns=True, silence_ms=700), rate_hz=16_000, cancels_echo=True)
    room.open_uplink(2)
    room.listen(silence(2.0)[:32_000])
    rattling = clip_int16(np.arctan(own / 32768 * 8) / np.arctan(8) * 9000)
    room.listen(echo_of(rattling, 60), own)
    assert [event for event in room.events if isinstance(event, UtteranceBegan)] == []
