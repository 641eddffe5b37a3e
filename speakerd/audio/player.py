"""What the loudspeaker plays: answers by item, each of which ends with exactly one PlayoutEnded, and cues (CueEnded).

Lives in the loop's thread. The card's process counts what it hands to the card; here it becomes milliseconds of items.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from speakerd.audio import wire
from speakerd.audio.cues import cue_samples, ringing_samples
from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of, ms_of, samples_in
from speakerd.core.cues import Cue
from speakerd.core.effects import PlayoutLevel
from speakerd.core.events import CueEnded, PlayoutEnded
from speakerd.ports import Post
from speakerd.settings import AudioSettings

_log = logging.getLogger(__name__)

_PIECE_BYTES = 2 * samples_in(100, SESSION_RATE_HZ)
_REMEMBERED_ITEMS = 256


class Link(Protocol):
    """Takes commands for the sound card's process."""

    def send(self, command: wire.Command) -> None:
        """Leave a command; returns at once."""

    def flush(self, number: int) -> None:
        """Leave a Flush that overtakes the answers."""


@dataclass(slots=True)
class _Item:
    item_id: str
    number: int
    received: int = 0
    """Samples at 24 kHz."""
    handed: int = 0
    """Samples at 24 kHz that the card was given."""
    is_finished: bool = False
    odd_byte: bytes = b""
    tail: asyncio.TimerHandle | None = None
    """Runs while the end of the item is on its way through the room."""

    @property
    def played_ms(self) -> int:
        return ms_of(min(self.handed, self.received), SESSION_RATE_HZ)


class CardPlayer:
    """Implements ports.Player."""

    def __init__(self, settings: AudioSettings, post: Post) -> None:
        self._tail_seconds = settings.tail_ms / 1000 if settings.duplex != "full" else 0.0
        self._sink = wire.SetSink(settings.lead_in_ms, settings.keep_awake)
        self._post = post
        self._link: Link | None = None
        self._numbers = self._flushes = 0
        self._items: dict[str, _Item] = {}
        """Items that are not over, in the order in which they began."""
        self._cut: dict[int, list[_Item]] = {}
        """Items that were stopped, by the number of the flush that will tell how much was heard of them."""
        self._cues: dict[int, Cue] = {}
        """Cues that are not over, by number; items and cues are counted together."""
        self._over: deque[str] = deque(maxlen=_REMEMBERED_ITEMS)
        """Items of which nothing more is played, whatever arrives."""
        self._level = PlayoutLevel.FULL
        self.volume = settings.volume
        """Loudness from 0 to 1."""

    def play(self, item_id: str, pcm: bytes) -> None:
        """See Player; what arrives of an item that was stopped or finished is dropped."""
        item = self._items.get(item_id) or self._begin(item_id)
        if item is None or item.is_finished:
            return
        data = item.odd_byte + pcm
        whole = len(data) & ~1
        item.odd_byte = data[whole:]
        item.received += whole // 2
        for start in range(0, whole, _PIECE_BYTES):
            self._send(wire.Play(item.number, data[start : min(start + _PIECE_BYTES, whole)]))

    def finish(self, item_id: str) -> None:
        """See Player; an item without sound is over at once."""
        item = self._items.get(item_id) or self._begin(item_id)
        if item is None or item.is_finished:
            return
        item.is_finished = True
        if item.received:
            self._send(wire.Finish(item.number))
        else:
            self._end(item, cut_short=False)

    def stop(self) -> None:
        """See Player."""
        if not self._items:
            return
        self._flushes += 1
        self._cut[self._flushes] = self._forget_items()
        if self._link:
            self._link.flush(self._flushes)
        else:
            self.flushed(self._flushes)

    def set_level(self, level: PlayoutLevel) -> None:
        """See Player."""
        self._level = level
        self._send(wire.SetLevel(level.value))

    def cue(self, cue: Cue) -> None:
        """See Player; without a card it is over at once."""
        self._numbers += 1
        self._cues[self._numbers] = cue
        if self._link:
            self._link.send(wire.PlayCue(self._numbers, bytes_of(cue_samples(cue))))
        else:
            self._end_cue(self._numbers)

    def start_ringing(self) -> None:
        """See Player; without a card nothing is heard."""
        self._send(wire.Ring(bytes_of(ringing_samples())))

    def stop_ringing(self) -> None:
        """See Player."""
        self._send(wire.Ring(b""))

    def set_volume(self, volume: float) -> None:
        """Change the loudness, from 0 to 1, at once."""
        self.volume = min(1.0, max(0.0, volume))
        self._send(wire.SetGain(self.volume**3))  # loudness is felt so; PulseAudio's and ALSA's mixers do the same

    def attach(self, link: Link) -> None:
        """Use this process from now on."""
        self._link = link
        self._send(self._sink)
        self.set_volume(self.volume)
        self.set_level(self._level)

    def lose(self) -> None:
        """The card is gone: everything that was not over is cut short where it was."""
        self._link = None
        for number in list(self._cues):
            self._end_cue(number)
        for number in list(self._cut):
            self.flushed(number)
        self.stop()

    def progressed(self, number: int, handed: int) -> None:
        """The card was given so many samples (24 kHz) of an item."""
        for item in self._known(number):
            item.handed = max(item.handed, handed)

    def item_over(self, number: int, handed: int, heard_in_seconds: float) -> None:
        """The card will be given no more of an item or cue; the last of it is heard so many seconds from now."""
        self.progressed(number, handed)
        loop, delay_seconds = asyncio.get_running_loop(), heard_in_seconds + self._tail_seconds
        if number in self._cues:
            loop.call_later(delay_seconds, self._end_cue, number)
        for item in self._items.values():
            if item.number == number:
                item.tail = loop.call_later(delay_seconds, self._end, item, False)

    def flushed(self, number: int) -> None:
        """Nothing is left of what was stopped by this flush."""
        for item in self._cut.pop(number, []):
            self._post(PlayoutEnded(item.item_id, item.played_ms, cut_short=True))

    def _begin(self, item_id: str) -> _Item | None:
        if item_id in self._over:
            _log.debug("dropped sound of %s, which is over", item_id)
            return None
        if not self._link:
            self._over.append(item_id)
            self._post(PlayoutEnded(item_id, 0, cut_short=True))
            return None
        self._numbers += 1
        item = self._items[item_id] = _Item(item_id, self._numbers)
        return item

    def _end(self, item: _Item, cut_short: bool) -> None:
        del self._items[item.item_id]
        self._over.append(item.item_id)
        self._post(PlayoutEnded(item.item_id, item.played_ms, cut_short))

    def _end_cue(self, number: int) -> None:
        if cue := self._cues.pop(number, None):
            self._post(CueEnded(cue))

    def _forget_items(self) -> list[_Item]:
        items = list(self._items.values())
        for item in items:
            if item.tail:
                item.tail.cancel()
        self._over.extend(self._items)
        self._items.clear()
        return items

    def _known(self, number: int) -> list[_Item]:
        cut = [item for items in self._cut.values() for item in items]
        return [item for item in (*self._items.values(), *cut) if item.number == number]

    def _send(self, command: wire.Command) -> None:
        if self._link:
            self._link.send(command)
