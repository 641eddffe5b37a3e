"""A room in fast time: a sound card that never fails, and lights, all of which keep what they did.

The card's clock ticks ten times a second: each tick hears a tenth of a second of what the user says and plays as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from fault_words import BYTES_PER_MS, pcm_of, words_in
from speakerd.core.effects import LEFT_OFF, Cue, PlayoutLevel, announcement_item
from speakerd.core.events import CueEnded, PlayoutEnded, UplinkClosed
from speakerd.core.lights import Light
from speakerd.ports import Post

TICK_MS = 100
_TICK_BYTES = TICK_MS * BYTES_PER_MS
_BYTES_PER_SAMPLE_AT_16_KHZ = 3
_CUE_SECONDS = 0.3
ANNOUNCED = "please"
"""What every announcement sounds like."""


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class RoomCapture:
    """Implements ports.Capture."""

    post: Post
    sink: Callable[[int, bytes], None]
    """Takes what the uplink sends."""
    heard: bytearray = field(default_factory=bytearray)
    """All that the microphone ever heard."""
    is_open: bool = True
    _saying: bytearray = field(default_factory=bytearray)
    _session: int | None = None
    _left_off: int = 0

    @property
    def sample(self) -> int:
        """The capture position, in samples at 16 kHz."""
        return len(self.heard) // _BYTES_PER_SAMPLE_AT_16_KHZ

    @property
    def is_quiet(self) -> bool:
        """Whether the user has said everything."""
        return not self._saying

    def say(self, text: str) -> None:
        """The user begins to speak."""
        self._saying += pcm_of(text)

    def tick(self) -> None:
        frame = bytes(self._saying[:_TICK_BYTES]).ljust(_TICK_BYTES, b"\0")
        del self._saying[:_TICK_BYTES]
        self.heard += frame
        if self._session is not None:
            self._left_off = len(self.heard)
            self.sink(self._session, frame)

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def open_uplink(self, session: int, since_sample: int | None) -> None:
        assert self._session is None, "the uplink is open"
        self._session = session
        begin = len(self.heard)
        if since_sample == LEFT_OFF:
            begin = self._left_off
        elif since_sample is not None:
            begin = since_sample * _BYTES_PER_SAMPLE_AT_16_KHZ & ~1
        for start in range(begin, len(self.heard), _TICK_BYTES):
            self.sink(session, bytes(self.heard[start : start + _TICK_BYTES]))
        self._left_off = len(self.heard)

    def mark_uplink(self) -> None:
        self._left_off = len(self.heard)

    def close_uplink(self) -> None:
        if self._session is not None:
            self.post(UplinkClosed(self._session))
        self._session = None


@dataclass
class _Item:
    waiting: bytearray = field(default_factory=bytearray)
    played: int = 0
    is_finished: bool = False


@dataclass
class RoomPlayer:
    """Implements ports.Player; what is played sounds at once."""

    post: Post
    sounds: bytearray = field(default_factory=bytearray)
    """All of the answers that ever left the loudspeaker."""
    sounded: list[float] = field(default_factory=list)
    """When ticks sounded."""
    cues: list[tuple[float, Cue]] = field(default_factory=list)
    level: PlayoutLevel = PlayoutLevel.FULL
    is_ringing: bool = False
    _items: dict[str, _Item] = field(default_factory=dict)
    _read: tuple[int, str] = (0, "")
    """The words in so many bytes."""

    @property
    def words(self) -> str:
        """What was heard of answers."""
        if len(self.sounds) != self._read[0]:
            self._read = len(self.sounds), words_in(bytes(self.sounds))
        return self._read[1]

    def tick(self) -> None:
        if self.level is PlayoutLevel.HELD:
            return
        wanted = _TICK_BYTES
        while wanted and self._items:
            item_id, item = next(iter(self._items.items()))
            frame = bytes(item.waiting[:wanted])
            del item.waiting[:wanted]
            self.sounds += frame
            item.played += len(frame)
            wanted -= len(frame)
            if frame:
                self.sounded.append(now())
            if item.waiting or not item.is_finished:
                return
            del self._items[item_id]
            self.post(PlayoutEnded(item_id, item.played // BYTES_PER_MS, cut_short=False))

    def play(self, item_id: str, pcm: bytes) -> None:
        self._items.setdefault(item_id, _Item()).waiting += pcm

    def finish(self, item_id: str) -> None:
        if item := self._items.get(item_id):
            item.is_finished = True

    def stop(self) -> None:
        for item_id, item in self._items.items():
            self.post(PlayoutEnded(item_id, item.played // BYTES_PER_MS, cut_short=True))
        self._items.clear()

    def set_level(self, level: PlayoutLevel) -> None:
        self.level = level

    def cue(self, cue: Cue) -> None:
        self.cues.append((now(), cue))
        asyncio.get_running_loop().call_later(_CUE_SECONDS, self.post, CueEnded(cue))

    def start_ringing(self) -> None:
        self.is_ringing = True

    def stop_ringing(self) -> None:
        self.is_ringing = False


@dataclass
class RoomLights:
    """Implements ports.Lights."""

    shown: list[tuple[float, Light]] = field(default_factory=list)

    def show(self, light: Light) -> None:
        self.shown.append((now(), light))

    @property
    def light(self) -> Light:
        return self.shown[-1][1]


@dataclass
class RoomAnnouncer:
    """Implements ports.Announcer: every sentence sounds like one word."""

    player: RoomPlayer
    sentences: list[tuple[float, str]] = field(default_factory=list)

    def announce(self, number: int, text: str) -> None:
        self.sentences.append((now(), text))
        item = announcement_item(number)
        self.player.play(item, pcm_of(ANNOUNCED))
        self.player.finish(item)

    def stop(self, number: int) -> None:
        """It has begun at once."""


@dataclass
class RoomJudge:
    """Implements ports.Judge."""

    verdicts: list[bool] = field(default_factory=list)

    def judge(self, word: str, was_wanted: bool, sample: int) -> None:
        self.verdicts.append(was_wanted)


@dataclass
class RoomControl:
    """Implements ports.Control."""

    refusals: list[str] = field(default_factory=list)

    def refuse(self, request: int, reason: str) -> None:
        self.refusals.append(reason)


@dataclass
class Card:
    """The clock of both."""

    capture: RoomCapture
    player: RoomPlayer

    async def run(self) -> None:
        while True:
            await asyncio.sleep(TICK_MS / 1000)
            self.capture.tick()
            self.player.tick()
