"""What the microphone hears, from the card's samples to the wake word and the uplink: the audio thread's part.

Positions count on for ever: when the stream is opened again they go on where they were, so that a position from before
a mute or a lost card can never mean what was heard after it. Sample n at 16 kHz is the instant of sample n * 3/2 at
24 kHz exactly, because the resamplers shift nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from speakerd.audio import wire
from speakerd.audio.barge_in import Talker
from speakerd.audio.echo_path import Heard, Observe
from speakerd.audio.near_end import NearEnd
from speakerd.audio.own_turns import OwnTurns, TurnRules
from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_FRAME_SAMPLES, WakeFramer, samples_in, samples_of
from speakerd.audio.preroll import PrerollRing
from speakerd.audio.uplink import Uplink, UplinkSpan
from speakerd.audio.utterances import SpeechBegan, SpeechOver
from speakerd.core.events import (
    Event,
    UplinkClosed,
    UtteranceBegan,
    UtteranceEnded,
    VoiceGone,
    VoiceHeard,
    VoiceHinted,
)
from speakerd.ports import AudioSink, Ears, Post

_RING_SECONDS = 66
"""The longest pre-roll and the longest wait for a session that the settings allow (5 s and 60 s), and a little more."""
_MOST_SPANS = 64
_CALM_MS, _URGENT_MS = 80, 20
"""How much of our own sound's echo is looked at at a time: each look costs more than its work, while nobody speaks.

Measured: 40 ms always took a fifth more of the daemon's time, and found talkers no sooner.
"""
_EVENTS: dict[Talker, Callable[[int], Event]] = {
    Talker.HINTED: VoiceHinted,
    Talker.HEARD: VoiceHeard,
    Talker.NONE: VoiceGone,
}


class Link(Protocol):
    """Takes commands for the sound card's process; for any thread."""

    def send(self, command: wire.Command) -> None:
        """Leave a command; returns at once."""


@dataclass(frozen=True, slots=True)
class Order:
    """To open the uplink for a session at a position, or to close it at one (24 kHz samples)."""

    session: int | None
    position: int


class Hearing:
    """For the audio thread; the loop's thread sets `epoch`, adds `orders`, and reads what has no underscore."""

    def __init__(
        self,
        ears: Ears | None,
        sink: AudioSink,
        post: Post,
        now: Callable[[], float],
        *,
        cancels_echo: bool = False,
        turns: TurnRules | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._ears = ears
        self._sink = sink
        self._post = post
        self._now = now
        self._cancels_echo = cancels_echo
        self._observe = observe
        self.epoch = 0
        """Number of the stream whose frames are wanted; 0 means none."""
        self.orders: deque[Order] = deque()
        self.ring = PrerollRing(_RING_SECONDS * SESSION_RATE_HZ)
        self.frames = self.overruns = 0
        self.format: wire.CaptureOpened | None = None
        """How the last stream was opened."""
        self.clocks: wire.Clocks | None = None
        """What was told of the card's clocks last."""
        self.echo_delay_ms: float | None = None
        """How long our own sound takes until the microphone hears it; None until it is known."""
        self.heard_epoch = 0
        """Number of the stream that the last mic frame came from."""
        self.heard_at: float | None = None
        """When the last mic frame was done with."""
        self.link: Link | None = None
        """Takes commands for the sound card's process."""
        self._playing_pace_ms = 0
        """What the process was told last; 0 means nothing."""
        self._opened_epoch = 0
        self._wake_end = 0
        """Capture position (16 kHz samples) after the last sample that was resampled for the wake word."""
        self._turns = OwnTurns(turns or TurnRules())
        self._uplink: Uplink | None = None
        self._resting: Uplink | None = None
        """The uplink that nothing is handed over of, because nobody speaks."""
        self._was_cut_off = False
        """Whether the uplink ended in the middle of a turn that goes on."""
        self._over_at = 0
        """Capture position (24 kHz) at which such a turn was over; 0 while there is none."""
        self._spans: deque[UplinkSpan] = deque(maxlen=_MOST_SPANS)

    @property
    def spans(self) -> tuple[UplinkSpan, ...]:
        """What was handed to the sink, for each opening of the uplink; the last one may still grow."""
        uplink, spans = self._uplink, tuple(self._spans)
        return (*spans, uplink.span) if uplink else spans

    def opened(self, report: wire.CaptureOpened) -> None:
        """Begin a stream where the positions of the last one ended, at an instant that both rates can name."""
        if report.epoch != self.epoch:
            return
        self._opened_epoch = report.epoch
        instants = math.ceil(max(self.ring.end / 3, self._wake_end / 2))
        self.ring.restart(instants * 3)
        self._wake_end = instants * 2
        self.format = report
        self._near_end = NearEnd(
            report.rate_hz,
            report.channels,
            cancels_echo=self._cancels_echo,
            wants_levels=self._turns.wants_levels,
            hears_words=self._ears is not None,
        )
        self._playing_pace_ms = 0
        self._turns.restart()
        self._framer, self._far_framer = WakeFramer(), WakeFramer()
        self._rearm()

    def hear(self, report: wire.MicFrame) -> None:
        """Hand on what was heard."""
        if not report.epoch == self.epoch == self._opened_epoch:
            return
        self.frames += 1
        if report.was_overrun:
            self.overruns += 1
            self._rearm()
        samples, near = samples_of(report.pcm), report.near_bytes // 2
        heard = self._near_end.process(
            samples[:near], samples[near:], was_lost=report.was_overrun or report.is_unpaired
        )
        if self._observe is not None:
            self._observe(heard)
        self.ring.append(heard.session)
        # What is left of our own voice is no turn of the user's.
        is_nobody = heard.is_talker is False
        self._follow_turns((level_dbfs, is_voice and not is_nobody) for level_dbfs, is_voice in heard.levels)
        if self._uplink:
            self._hand_over(self._uplink.session, self._uplink.pieces(self.ring))
        self._wake_end += len(heard.wake)
        if self._ears is not None:
            self._listen(self._ears, heard)
        for talker in heard.talkers:
            self._post(_EVENTS[talker](self._wake_end))
        if heard.is_talker is not None:
            self._set_playing_pace(_URGENT_MS if heard.is_urgent else _CALM_MS)
        self.echo_delay_ms = self._near_end.echo_delay_ms
        self.heard_epoch = report.epoch
        self.heard_at = self._now()

    def obey(self) -> None:
        """Carry out the orders of the loop; an uplink waits until its stream has begun."""
        while self.orders:
            order = self.orders[0]
            if order.session is not None and self.epoch != self._opened_epoch:
                return
            self.orders.popleft()
            if order.session is None:
                self._close_uplink(order.position)
            else:
                self._begin_uplink(order.session, max(order.position, self.ring.start))

    def end(self) -> None:
        """The stream is gone: hand over what is left, and close the uplink."""
        self.obey()
        self._close_uplink(self.ring.end)

    def _begin_uplink(self, session: int, position: int) -> None:
        self._uplink, self._resting = Uplink(session, position), None
        self._turns.uplink_opened()
        if self._turns.finds_turns and self._turns.is_speaking:
            self._post(UtteranceBegan(session, self._wake_end))
        elif self._over_at > position:
            # A turn that began in a session before is sent to its end: only then is it over.
            self._hand_over(session, self._uplink.pieces(self.ring))
            self._post(UtteranceBegan(session, self._wake_end))
            self._post(UtteranceEnded(session, self._wake_end))

    def _follow_turns(self, levels: Iterable[tuple[float, bool]]) -> None:
        """Tell where the user's turn begins and ends, and leave silence out of the uplink, where that is wanted."""
        for level_dbfs, is_voice in levels:
            change = self._turns.feed(level_dbfs, is_voice)
            uplink = self._uplink or self._resting
            if uplink is None:
                if self._was_cut_off and isinstance(change, SpeechOver):
                    self._was_cut_off, self._over_at = False, self.ring.end
                continue
            if change is not None and self._turns.finds_turns:
                self._tell_turn(uplink.session, change)
            if self._uplink and self._turns.may_rest:
                self._end_uplink(self.ring.end)
                self._resting = uplink
            elif self._resting and not self._turns.may_rest:
                back = self.ring.end - samples_in(self._turns.look_back_ms, SESSION_RATE_HZ)
                self._uplink, self._resting = Uplink(uplink.session, max(uplink.span.end, back, self.ring.start)), None

    def _tell_turn(self, session: int, change: SpeechBegan | SpeechOver) -> None:
        kind = UtteranceBegan if isinstance(change, SpeechBegan) else UtteranceEnded
        self._post(kind(session, self._wake_end))

    def _close_uplink(self, position: int) -> None:
        closed = self._uplink or self._resting
        self._end_uplink(position)
        if closed:
            self._was_cut_off, self._over_at = self._turns.finds_turns and self._turns.is_speaking, 0
            self._post(UplinkClosed(closed.session))

    def _end_uplink(self, position: int) -> None:
        self._resting = None
        if self._uplink:
            self._hand_over(self._uplink.session, self._uplink.rest(self.ring, position))
            self._spans.append(self._uplink.span)
            self._uplink = None

    def _hand_over(self, session: int, pieces: Iterable[bytes]) -> None:
        for pcm in pieces:
            self._sink(session, pcm)

    def _listen(self, ears: Ears, heard: Heard) -> None:
        for frame in self._far_framer.cut(heard.far_wake):
            ears.hear_playout(frame)
        if heard.is_talker is not None:
            ears.hear_talker(heard.is_talker)
        frames = self._framer.cut(heard.wake)
        end = self._wake_end - len(self._framer.waiting) - frames.size
        for frame in frames:
            end += WAKE_FRAME_SAMPLES
            ears.hear(frame, end)

    def _set_playing_pace(self, report_ms: int) -> None:
        if report_ms != self._playing_pace_ms and self.link is not None:
            self._playing_pace_ms = report_ms
            self.link.send(wire.SetPlayingPace(report_ms))

    def _rearm(self) -> None:
        if self._ears is not None:
            self._ears.rearm()
