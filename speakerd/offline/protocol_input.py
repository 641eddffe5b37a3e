"""The input audio buffer: audio held by its position in all audio that the session ever received. Pure.

Positions are milliseconds since the first sample. Old audio that no turn can need any more is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

from speakerd.offline.protocol_items import BYTES_PER_MS

_SILENCE_KEPT_MS = 30_000
"""Audio kept while the endpointer finds no speech, for a client that commits by hand all the same."""
_MOST_MS = 600_000
"""Audio kept at all; of a longer utterance only the end is used."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech that began and is not over."""

    item_id: str
    start_ms: int


class InputAudio:
    """The buffer and what was found in it."""

    def __init__(self) -> None:
        self.utterance: Utterance | None = None
        self.endpointing_since_ms = 0
        """Where the present endpointer's clock began."""
        self.silent_since_ms: int | None = None
        """From where on the idle time-out counts; None when it does not."""
        self._held = bytearray()
        self._start = 0
        self._odd = b""

    @property
    def start_ms(self) -> int:
        """Where the audio that is held begins."""
        return self._start // BYTES_PER_MS

    @property
    def received_ms(self) -> int:
        """Where the audio ends."""
        return (self._start + len(self._held)) // BYTES_PER_MS

    @property
    def held_ms(self) -> float:
        """How much the buffer holds."""
        return len(self._held) / BYTES_PER_MS

    def append(self, pcm: bytes, *, endpointing: bool) -> bytes:
        """Add bytes as they came; the whole samples among them."""
        kept_ms = _SILENCE_KEPT_MS if endpointing and self.utterance is None else _MOST_MS
        self._forget_before(self._start + len(self._held) - kept_ms * BYTES_PER_MS)
        pcm = self._odd + pcm
        whole = len(pcm) // 2 * 2
        self._odd = pcm[whole:]
        self._held += pcm[:whole]
        return pcm[:whole]

    def take(self, start_ms: int, end_ms: int) -> bytes:
        """The audio between two positions; all before the end is forgotten."""
        start, end = (max(ms * BYTES_PER_MS - self._start, 0) for ms in (start_ms, end_ms))
        pcm = bytes(self._held[start:end])
        self._forget_before(end_ms * BYTES_PER_MS)
        return pcm

    def take_all(self) -> bytes:
        """All that is held."""
        pcm = bytes(self._held)
        self.clear()
        return pcm

    def clear(self) -> None:
        """Forget what is held, and the utterance in it."""
        self._forget_before(self._start + len(self._held))
        self._odd = b""
        self.utterance = None

    def _forget_before(self, position: int) -> None:
        count = min(max(position - self._start, 0), len(self._held))
        del self._held[:count]
        self._start += count
