"""Whether the microphone is open and who hears it: the part of capture that lives in the loop's thread.

While it is closed, its stream is closed, too. What is heard goes its way in the audio thread (audio/hearing.py).
"""

from __future__ import annotations

from collections.abc import Callable

from speakerd.audio import wire
from speakerd.audio.hearing import Hearing, Link, Order
from speakerd.audio.pcm import SESSION_RATE_HZ, WAKE_RATE_HZ
from speakerd.core.effects import LEFT_OFF

_UPLINK_MS, _WAITING_MS = 30, 80
"""How much sound comes at a time: soon while it is sent, seldom while only the wake word listens, in its frames."""


class MicCapture:
    """Implements ports.Capture for the loop's thread; open until told otherwise."""

    def __init__(self, hearing: Hearing, now: Callable[[], float]) -> None:
        self._hearing = hearing
        self._now = now
        self._epochs = 0
        self._left_off = 0
        """Where the uplink was closed last (24 kHz samples)."""
        self.is_open = True
        """Whether the stream is wanted."""
        self.changed_at = now()
        """When the stream was asked for, or was told to close."""

    @property
    def is_heard(self) -> bool:
        """Whether mic frames of the wanted stream have arrived."""
        return self.is_open and self._hearing.heard_epoch == self._epochs

    def open(self) -> None:
        """See Capture; nothing happens when it is open."""
        if not self.is_open:
            self.is_open = True
            self._ask()

    def close(self) -> None:
        """See Capture; ends the uplink, too."""
        self.is_open = False
        self.close_uplink()
        self._hearing.epoch = 0
        self._tell()

    def attach(self, link: Link | None) -> None:
        """Use this process from now on; None while there is no card, when uplinks cannot be opened."""
        self._hearing.link = link
        self._hearing.orders.clear()
        if link:
            link.send(wire.SetPace(_WAITING_MS))
        if self.is_open:
            self._ask()
        else:
            self._tell()

    def open_uplink(self, session: int, since_sample: int | None) -> None:
        """See Capture; it never reaches back behind the opening of the stream, and ends the open uplink."""
        start = self._hearing.ring.end
        if since_sample == LEFT_OFF:
            start = self._left_off
        elif since_sample is not None:
            start = min(start, since_sample * SESSION_RATE_HZ // WAKE_RATE_HZ)
        self.close_uplink()
        if link := self._hearing.link:
            link.send(wire.SetPace(_UPLINK_MS))
            self._hearing.orders.append(Order(session, start))

    def close_uplink(self) -> None:
        """See Capture; what was captured until now is still handed over."""
        self._left_off = self._hearing.ring.end
        self._hearing.orders.append(Order(None, self._left_off))
        if link := self._hearing.link:
            link.send(wire.SetPace(_WAITING_MS))

    def mark_uplink(self) -> None:
        """See Capture."""
        self._left_off = self._hearing.ring.end

    def _ask(self) -> None:
        self._epochs += 1
        self._hearing.epoch = self._epochs
        self._tell()

    def _tell(self) -> None:
        self.changed_at = self._now()
        if link := self._hearing.link:
            link.send(wire.OpenCapture(self._epochs) if self.is_open else wire.CloseCapture())
