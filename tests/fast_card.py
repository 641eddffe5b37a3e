"""A sound card by the clock of the loop, so that its time may be fast: the real audio plane without the card's process.

What the user says is put into the room; nothing of what is played comes back out of it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speakerd.audio import wire
from speakerd.audio.capture import MicCapture
from speakerd.audio.child_microphone import Microphone
from speakerd.audio.child_streams import Format, Loudspeaker
from speakerd.audio.hearing import Hearing
from speakerd.audio.own_turns import TurnRules
from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ, bytes_of
from speakerd.audio.player import CardPlayer
from speakerd.ports import AudioSink, Ears, Post
from speakerd.settings import AudioSettings

BLOCK_MS = 30
_FORMAT = Format(SESSION_RATE_HZ, BLOCK_MS, channels=1, is_duplex=True)
_NO_DELAY = {"output_buffer_dac_time": 0.0, "current_time": 0.0}


class FastCard:
    """Microphone and loudspeaker; `run` is their clock."""

    def __init__(
        self,
        room: NDArray[np.int16],
        sink: AudioSink,
        post: Post,
        *,
        is_full_duplex: bool = False,
        turns: TurnRules | None = None,
        ears: Ears | None = None,
    ) -> None:
        """The room is what can be heard in it from the start, at 24 kHz, and silence after it."""
        loop = asyncio.get_running_loop()
        settings = replace(AudioSettings(), duplex="full" if is_full_duplex else "half", volume=1.0)
        self._loop = loop
        self._room = room
        self._position = 0
        self._hearing = Hearing(ears, sink, post, loop.time, turns=turns)
        self._loudspeaker = Loudspeaker(self._report)
        self._microphone: Microphone | None = None
        self._pace_ms = 0
        self.capture = MicCapture(self._hearing, loop.time)
        """The Capture port."""
        self.player = CardPlayer(settings, post)
        """The Player port."""

    @property
    def sample(self) -> int:
        """The capture position at 16 kHz."""
        return self._hearing.ring.end * WAKE_RATE_HZ // SESSION_RATE_HZ

    async def run(self) -> None:
        """Keep the card's time until cancelled."""
        self._loudspeaker.begin(_FORMAT)
        self.capture.attach(self)
        self.player.attach(self)
        began = self._loop.time()
        while True:
            self._tick()
            seconds = self._position / SESSION_RATE_HZ
            await asyncio.sleep(max(0.0, began + seconds - self._loop.time()))

    def send(self, command: wire.Command) -> None:
        """See player.Link."""
        match command:
            case wire.OpenCapture(epoch=epoch):
                self._microphone = Microphone(epoch, _FORMAT, 0, 1.0, self._report)
                self._microphone.report_ms = self._pace_ms
            case wire.CloseCapture():
                self._microphone = None
            case wire.SetPace(report_ms=report_ms):
                self._pace_ms = report_ms
                if self._microphone:
                    self._microphone.report_ms = report_ms
            case _:
                self._loudspeaker.obey(command)

    def flush(self, number: int) -> None:
        """See player.Link."""
        self._loudspeaker.obey(wire.Flush(number))

    def _tick(self) -> None:
        count = _FORMAT.block_frames
        played = self._loudspeaker.block(count, _NO_DELAY, 0)
        heard = self._room[self._position : self._position + count]
        self._position += count
        if self._microphone:
            self._microphone.hear(bytes_of(heard).ljust(2 * count, b"\0"), played.mono, 0)

    def _report(self, report: wire.Report) -> bool:
        """What the card's process says; the same as in the plane."""
        self._hearing.obey()
        match report:
            case wire.CaptureOpened():
                self._hearing.opened(report)
            case wire.MicFrame():
                self._hearing.hear(report)
            case wire.Pulse(item=item, handed=handed):
                self.player.progressed(item, handed)
            case wire.ItemOver(item=item, handed=handed, heard_in_seconds=seconds):
                self._loop.call_soon(self.player.item_over, item, handed, seconds)
            case wire.Flushed(number=number):
                self._loop.call_soon(self.player.flushed, number)
        return True
