"""What was said in a conversation, so that the next session can be told: words, calls and their outputs. Pure.

It outlives connections. A thing keeps the place at which it began, whenever its words arrive; what was deleted is
gone, and of what was interrupted only the words that were heard remain. It is bounded: the oldest goes first, and a
call never without its output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from speakerd.core.events import Talker
from speakerd.realtime import received
from speakerd.realtime.received import FunctionCall, ServerMessage

OWN = "own_"
"""How the ids of items begin that we make ourselves."""

_MOST_SAID = 500
_MOST_CHARACTERS = 30_000
_MOST_PLACES = 2000
"""Things that were said, and places of things of which no words have come."""
_MOST_GONE = 256
_BYTES_PER_MS = 48
"""Mono 16-bit PCM at 24 kHz."""


@dataclass(frozen=True, slots=True)
class Words:
    """Something that was said or written."""

    item_id: str
    """Ours; the same in each session that is told."""
    talker: Talker
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call of the model."""

    item_id: str
    call: FunctionCall


@dataclass(frozen=True, slots=True)
class Output:
    """What a function call returned."""

    item_id: str
    call_id: str
    output: str = field(repr=False)


Said = Words | Call | Output


@dataclass(slots=True)
class _Speech:
    """Words that arrive piece by piece, and the sound of them."""

    item_id: str
    talker: Talker = Talker.USER
    text: str = ""
    sound_bytes: int = 0
    """Given to the player."""
    heard: float | None = None
    """The share of it that was heard, once it was cut."""
    is_settled: bool = False
    """Its words are not changed any more: it was cut after they had come."""

    @property
    def size(self) -> int:
        return len(self.text)

    def said(self) -> Words | None:
        """What was heard of it; None for nothing."""
        text = self.text if self.heard is None else _beginning(self.text, self.heard)
        return Words(self.item_id, self.talker, text) if text.strip() else None


@dataclass(slots=True)
class _Fact:
    """A call or an output: whole from the start."""

    fact: Call | Output
    size: int

    def said(self) -> Said:
        return self.fact


class History:
    """The conversation that began with session number `root`.

    Server items are known by the ids that they were born with; in a session that was told of them they have ours.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._numbered = 0
        self._entries: dict[str, _Speech | _Fact] = {}
        self._said = 0
        """Entries that have words."""
        self._characters = 0
        """Of all of them."""
        self._gone: dict[str, None] = {}

    def take(self, message: ServerMessage) -> None:
        """Note what the server says of its items."""
        match message:
            case received.SpeechStarted(item_id) | received.Committed(item_id) | received.ItemAdded(item_id):
                self._speech(item_id)
            case received.OutputItemAdded(_, item_id):
                self._speech(item_id)
            case received.InputTranscribed(item_id, text):
                self._write(item_id, Talker.USER, text)
            case received.TranscriptDelta(item_id, text):
                speech = self._speech(item_id)
                self._write(item_id, Talker.ASSISTANT, speech.text + text if speech else text)
            case received.TranscriptDone(item_id, text):
                self._write(item_id, Talker.ASSISTANT, text)
            case received.ItemTruncated(item_id, audio_end_ms):
                self.cut(item_id, audio_end_ms)
            case received.ItemDeleted(item_id):
                self.delete(item_id)

    def add_sound(self, item_id: str, count_bytes: int) -> None:
        """Note that so much of an item went to the player: mono 16-bit PCM at 24 kHz."""
        if speech := self._speech(item_id):
            speech.sound_bytes += count_bytes

    def add_text(self, text: str) -> Words:
        """Add what the user wrote; it has our id from the beginning."""
        words = Words(self._next_id(), Talker.USER, text)
        self._add(words.item_id, _Speech(words.item_id, Talker.USER, text))
        return words

    def add_call(self, call: FunctionCall) -> None:
        """Add a call that is to be run."""
        key = f"call {call.call_id}"
        if key not in self._entries:
            self._add(key, _Fact(Call(self._next_id(), call), len(call.name) + len(call.arguments)))

    def add_output(self, call_id: str, output: str) -> None:
        """Add what a call returned; nothing for a call that is not there, or was answered."""
        key = f"output {call_id}"
        if f"call {call_id}" in self._entries and key not in self._entries:
            self._add(key, _Fact(Output(self._next_id(), call_id, output), len(output)))

    def cut(self, item_id: str, heard_ms: int) -> None:
        """Keep only the words of an item that were heard; nothing grows again by a second cut."""
        speech = self._entries.get(item_id)
        if isinstance(speech, _Speech) and speech.sound_bytes:
            heard = min(1.0, heard_ms * _BYTES_PER_MS / speech.sound_bytes)
            speech.heard = heard if speech.heard is None else min(heard, speech.heard)
            speech.is_settled = bool(speech.text)

    def delete(self, item_id: str) -> None:
        """Forget an item, whatever may still arrive of it."""
        self._drop(item_id)
        self._gone[item_id] = None
        while len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]

    def said(self, item_id: str) -> Said | None:
        """What is to be told of one item; None for nothing."""
        entry = self._entries.get(item_id)
        return entry.said() if entry else None

    def replay(self) -> dict[str, Said]:
        """All that a new session must be told, in order, by the ids that the things were born with."""
        told = ((key, entry.said()) for key, entry in self._entries.items())
        return {key: said for key, said in told if said is not None}

    def _speech(self, item_id: str) -> _Speech | None:
        """The item, which gets its place now; None for one that is gone, has no name, or is an echo of ours."""
        entry = self._entries.get(item_id)
        if entry is None:
            if not item_id or item_id in self._gone or item_id.startswith(OWN):
                return None
            entry = _Speech(self._next_id())
            self._add(item_id, entry)
        return entry if isinstance(entry, _Speech) else None

    def _write(self, item_id: str, talker: Talker, text: str) -> None:
        speech = self._speech(item_id)
        if speech is not None and not speech.is_settled:
            self._count(speech.size, len(text))
            speech.talker, speech.text = talker, text
            self._forget_oldest()

    def _add(self, key: str, entry: _Speech | _Fact) -> None:
        self._entries[key] = entry
        self._count(0, entry.size)
        self._forget_oldest()

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._count(entry.size, 0)

    def _count(self, before: int, after: int) -> None:
        self._characters += after - before
        self._said += (after > 0) - (before > 0)

    def _forget_oldest(self) -> None:
        while self._said > _MOST_SAID or self._characters > _MOST_CHARACTERS or len(self._entries) > _MOST_PLACES:
            oldest = next(iter(self._entries))
            self._drop(oldest)
            if oldest.startswith("call "):
                self._drop(oldest.replace("call ", "output ", 1))

    def _next_id(self) -> str:
        self._numbered += 1
        return f"{OWN}said_{self._root}_{self._numbered}"


def _beginning(text: str, share: float) -> str:
    """The whole words within the first part of a text."""
    end = int(len(text) * share)
    if end >= len(text):
        return text
    # A script that does not part its words is cut anywhere.
    parts = text.isascii() or any(letter.isspace() for letter in text)
    inside = parts and not text[end].isspace()
    return (re.sub(r"\S+\Z", "", text[:end]) if inside else text[:end]).rstrip()
