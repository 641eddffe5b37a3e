"""The user's sound to which no answer was heard yet, so that it can be sent again over another connection. Pure.

Positions are bytes of all sound that was sent over the present connection. Nothing is written to disk; what an answer
began to is forgotten at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_BYTES_PER_MS = 48
"""Mono 16-bit PCM at 24 kHz."""
_MOST_BYTES = 30_000 * _BYTES_PER_MS
_LEAD_BYTES = 500 * _BYTES_PER_MS
"""Kept from before the place at which the server heard the user begin."""
_MOST_UTTERANCES = 64


@dataclass(slots=True)
class _Utterance:
    item_id: str
    """Empty until the server names it."""
    start: int
    end: int | None = None
    """Where it ended; None while the user speaks."""


class Unanswered:
    """What was sent since the last answer, at most 30 s."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._start = 0
        """Position of the first byte that is held."""
        self._utterances: list[_Utterance] = []
        self._covered: dict[str, int] = {}
        """By response, up to where it answers."""
        self._is_named = False
        """Whether the server names the utterances that it has made items of."""

    @property
    def pcm(self) -> bytes:
        """All that is held."""
        return bytes(self._held)

    @property
    def item_ids(self) -> Sequence[str]:
        """The items that were made of what is held."""
        return [utterance.item_id for utterance in self._utterances if utterance.item_id]

    def sent(self, pcm: bytes) -> None:
        """Hold what was just sent."""
        self._held += pcm
        self._forget_before(self._end - _MOST_BYTES)

    def began(self, item_id: str, start_ms: int | None) -> None:
        """The server heard the user begin; the silence before is of no use."""
        start = self._position(start_ms, otherwise=self._start)
        if not self._utterances:
            self._forget_before(start - _LEAD_BYTES)
        self._note(_Utterance(item_id, start))

    def stopped(self, item_id: str, end_ms: int | None = None) -> None:
        """An utterance is over: the server found its end, made an item of it, or was told to by us (no id yet)."""
        utterance = self._find(item_id)
        if utterance is None:
            self._note(_Utterance(item_id, self._start, self._position(end_ms, otherwise=self._end)))
        elif utterance.end is None:
            utterance.end = self._position(end_ms, otherwise=self._end)

    def created(self, response_id: str) -> None:
        """The server began to make an answer, to all utterances that are over as far as it knew."""
        known = [each for each in self._utterances if each.item_id or not self._is_named]
        ends = [each.end for each in known if each.end is not None]
        other_starts = [each.start for each in self._utterances if each.end is None or each not in known]
        self._covered[response_id] = max(ends) if ends else min([self._end, *other_starts])
        while len(self._covered) > _MOST_UTTERANCES:
            del self._covered[next(iter(self._covered))]

    def answered(self, response_id: str) -> None:
        """Something of an answer was heard, done or no longer wanted: what it answers is forgotten."""
        position = self._covered.pop(response_id, None)
        if position is not None:
            self._utterances = [each for each in self._utterances if each.end is None or each.end > position]
            self._forget_before(position)

    @property
    def _end(self) -> int:
        return self._start + len(self._held)

    def _position(self, ms: int | None, otherwise: int) -> int:
        """A place that the server names; another one if it names none, or one that we know to be wrong."""
        position = -1 if ms is None else ms * _BYTES_PER_MS
        return position if self._start <= position <= self._end else otherwise

    def _find(self, item_id: str) -> _Utterance | None:
        """The utterance of an id; one that has none yet gets it."""
        self._is_named = self._is_named or bool(item_id)
        for utterance in self._utterances:
            if utterance.item_id == item_id and item_id:
                return utterance
        for utterance in self._utterances:
            if not utterance.item_id and item_id:
                utterance.item_id = item_id
                return utterance
        return None

    def _note(self, utterance: _Utterance) -> None:
        self._utterances = [*self._utterances, utterance][-_MOST_UTTERANCES:]

    def _forget_before(self, position: int) -> None:
        count = min(max(position - self._start, 0), len(self._held))
        del self._held[:count]
        self._start += count
