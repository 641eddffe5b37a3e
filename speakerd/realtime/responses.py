"""What one session knows of its responses: which items sound, which calls were reported, which responses are over.

Pure. Late, doubled and half messages end here, so that the core and the player see each thing once and in order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TypeVar, assert_never

from speakerd.core import events
from speakerd.core.events import Fault, Status, Talker
from speakerd.realtime import messages_errors, received
from speakerd.realtime.asked import texts
from speakerd.realtime.received import FunctionCall, ServerMessage

_SAMPLES_PER_MS = 24
_REMEMBERED = 256
"""Items, calls and responses of which the oldest is forgotten; more than an hour of conversation needs."""


@dataclass(frozen=True, slots=True)
class Play:
    """Give the player a piece of an item: whole samples of mono 16-bit PCM at 24 kHz."""

    item_id: str
    pcm: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finish:
    """Tell the player that an item is complete."""

    item_id: str


@dataclass(frozen=True, slots=True)
class Unheard:
    """Remove an item from the conversation: nothing of it sounded, or was done, before its response was cancelled."""

    item_id: str


Happening = events.Event | Play | Finish | Unheard

V = TypeVar("V")


@dataclass(slots=True)
class _Item:
    response_id: str
    samples: int = 0
    """Received of it, over all of its restarts."""
    half: bytes = b""
    """The first byte of a sample that a frame's border cut in two."""
    sounding: bool = False
    """Whether the player waits for more."""
    end_ms: int | None = None
    """Where it was cut, by the server or by us."""


class Responses:
    """Turns messages into what happened, in the order in which it must be told."""

    def __init__(self, session: int) -> None:
        self._session = session
        self._items: dict[str, _Item] = {}
        self._over: dict[str, None] = {}
        self._silent: dict[str, None] = {}
        self._silence_next = False
        self._reported_calls: dict[str, None] = {}
        self._unheard: dict[str, str] = {}
        """The response of each item that has neither sounded nor been done."""

    @property
    def is_sounding(self) -> bool:
        """Whether more of an answer that has begun to sound must come."""
        return any(item.sounding for item in reversed(self._items.values()))

    def take(self, message: ServerMessage) -> list[Happening]:
        """What a message means; nothing for one that only confirms, and for what is late."""
        match message:
            case received.AudioDelta():
                return self._sound(message)
            case received.AudioDone(item_id=item_id):
                return self._finish(item_id)
            case received.OutputItemDone(response_id, item_id, call):
                return self._complete(response_id, item_id, call)
            case received.ArgumentsDone(response_id, call):
                return self._report(response_id, call) if _is_whole(call) else []
            case received.ResponseDone():
                return self._end(message)
            case received.ResponseCreated(response_id):
                if self._silence_next:
                    _remember(self._silent, response_id, None)
                self._silence_next = False
                return [events.ResponseCreated(self._session, response_id)]
            case received.SpeechStarted(item_id):
                return [events.SpeechStarted(self._session, item_id)]
            case received.SpeechStopped(item_id):
                return [events.SpeechStopped(self._session, item_id)]
            case received.TranscriptDone(item_id, text):
                return [events.Transcribed(self._session, item_id, Talker.ASSISTANT, text)]
            case received.InputTranscribed(item_id, text):
                return [events.Transcribed(self._session, item_id, Talker.USER, text)]
            case received.SessionCreated() | received.SessionUpdated() | received.ErrorReported():
                return []
            case received.OutputItemAdded(response_id, item_id):
                _remember(self._unheard, item_id, response_id)
                return []
            case received.Committed() | received.TranscriptDelta() | received.RateLimitsUpdated():
                return []
            case received.ItemTruncated(item_id, audio_end_ms):
                return self._cut(item_id, audio_end_ms)
            case received.ItemAdded() | received.TranscriptionFailed():
                return []
            case received.ItemDeleted() | received.Unknown():
                return []
            case _:
                assert_never(message)

    def cancel(self, response_id: str) -> None:
        """Drop what still arrives of a response, except its end."""
        _remember(self._over, response_id, None)

    def silence_next(self) -> None:
        """Let nothing be heard of the next response."""
        self._silence_next = True

    def truncation_ms(self, item_id: str, played_ms: int) -> int | None:
        """Where to cut an item of which so much was heard; None where there is nothing left to cut.

        Never behind the end of what was received, nor where it was cut already: the server refuses both.
        """
        item = self._items.get(item_id)
        if item is None:
            return None
        end_ms = min(played_ms, item.samples // _SAMPLES_PER_MS)
        if item.end_ms is not None and end_ms >= item.end_ms:
            return None
        item.end_ms = end_ms
        return end_ms

    def finish_all(self) -> list[Happening]:
        """What to tell the player when nothing more can come."""
        return [happening for item_id in self._items for happening in self._finish(item_id)]

    def _sound(self, delta: received.AudioDelta) -> list[Happening]:
        if delta.response_id in self._over or delta.response_id in self._silent:
            return []
        item = self._items.get(delta.item_id) or _remember(self._items, delta.item_id, _Item(delta.response_id))
        audio = item.half + delta.pcm
        pcm, item.half = audio[: len(audio) & ~1], audio[len(audio) & ~1 :]
        if not pcm:
            return []
        item.samples += len(pcm) // 2
        self._unheard.pop(delta.item_id, None)
        play = Play(delta.item_id, pcm)
        if item.sounding:
            return [play]
        item.sounding = True
        return [events.AnswerStarted(self._session, delta.response_id, delta.item_id), play]

    def _finish(self, item_id: str) -> list[Happening]:
        item = self._items.get(item_id)
        if item is None or not item.sounding:
            return []
        item.sounding, item.half = False, b""
        return [Finish(item_id)]

    def _complete(self, response_id: str, item_id: str, call: FunctionCall | None) -> list[Happening]:
        happenings = [*self._finish(item_id), *(self._report(response_id, call) if call else [])]
        if call is not None and call.call_id in self._reported_calls:
            self._unheard.pop(item_id, None)
        return happenings

    def _cut(self, item_id: str, end_ms: int) -> list[Happening]:
        item = self._items.get(item_id)
        if item is not None:
            item.end_ms = end_ms if item.end_ms is None else min(item.end_ms, end_ms)
        return []

    def _report(self, response_id: str, call: FunctionCall) -> list[Happening]:
        if response_id in self._over or call.call_id in self._reported_calls:
            return []
        _remember(self._reported_calls, call.call_id, None)
        return [
            events.ToolCalled(
                self._session, response_id, call.call_id, call.name, call.arguments, texts(call.arguments)
            )
        ]

    def _end(self, done: received.ResponseDone) -> list[Happening]:
        happenings: list[Happening] = []
        for item_id, item in self._items.items():
            if item.response_id == done.response_id:
                happenings += self._finish(item_id)
        if done.status is Status.COMPLETED:
            for call in done.calls:
                happenings += self._report(done.response_id, call)
        is_unwanted = done.status is Status.CANCELLED or done.response_id in self._over
        _remember(self._over, done.response_id, None)
        unheard = [item_id for item_id, response_id in self._unheard.items() if response_id == done.response_id]
        for item_id in unheard:
            del self._unheard[item_id]
            if is_unwanted:
                happenings.append(Unheard(item_id))
        happenings.append(events.ResponseEnded(self._session, done.response_id, done.status, _fault(done)))
        return happenings


def _fault(done: received.ResponseDone) -> Fault | None:
    if done.status is not Status.FAILED:
        return None
    return (done.error and messages_errors.error_fault(done.error)) or Fault.SERVER_ERROR


def _is_whole(call: FunctionCall) -> bool:
    """Whether a call can be run: the server also ends arguments that it cut off, and a cut JSON object is no JSON."""
    try:
        return bool(call.name) and isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        return False


def _remember(memory: dict[str, V], key: str, value: V) -> V:
    memory[key] = value
    while len(memory) > _REMEMBERED:
        del memory[next(iter(memory))]
    return value
