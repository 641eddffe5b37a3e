"""Which captured samples go to which session, pure: from the pre-roll on, each sample once, in order, none missing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of, samples_in
from speakerd.audio.preroll import PrerollRing

_LEAST_SAMPLES = samples_in(20, SESSION_RATE_HZ)
_MOST_SAMPLES = samples_in(100, SESSION_RATE_HZ)


@dataclass(frozen=True, slots=True)
class UplinkSpan:
    """What one opening of the uplink handed over, so that anyone can prove that nothing was lost."""

    session: int
    start: int
    """Capture position (24 kHz) of the first sample."""
    end: int
    """Capture position (24 kHz) after the last sample."""
    samples: int
    """Samples handed over; end - start unless we have a bug."""
    sha256: str
    """Of the PCM handed over, in hexadecimal."""


class Uplink:
    """One opening of the uplink: a cursor that follows the ring. Positions are samples at 24 kHz."""

    def __init__(self, session: int, start: int) -> None:
        self.session = session
        self._start = self._next = start
        self._samples = 0
        self._hash = hashlib.sha256()

    def pieces(self, ring: PrerollRing) -> Iterator[bytes]:
        """PCM of 20 to 100 ms: all that was captured, once that is worth a message."""
        while self._next + _LEAST_SAMPLES <= ring.end:
            yield self._take(ring, min(ring.end, self._next + _MOST_SAMPLES))

    def rest(self, ring: PrerollRing, end: int) -> Iterator[bytes]:
        """PCM up to a position at which the uplink was closed, the last piece shorter."""
        while self._next < end:
            yield self._take(ring, min(end, self._next + _MOST_SAMPLES))

    @property
    def span(self) -> UplinkSpan:
        """What was handed over so far."""
        return UplinkSpan(self.session, self._start, self._next, self._samples, self._hash.hexdigest())

    def _take(self, ring: PrerollRing, end: int) -> bytes:
        samples = ring.read(self._next, end)
        pcm = bytes_of(samples)
        self._next = end
        self._samples += len(samples)
        self._hash.update(pcm)
        return pcm
