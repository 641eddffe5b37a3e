"""The conversation: items in order, their audio, and what is asked of the brain by them. Pure.

An item's wire form holds no audio; audio is kept beside it and shown only when the item is retrieved.
"""

from __future__ import annotations

import base64
import binascii
import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from speakerd.offline.protocol_effects import Outputs, Words
from speakerd.offline.protocol_session import Wire
from speakerd.offline.protocol_shapes import RefusedError

BYTES_PER_MS = 48
"""Mono 16-bit PCM at 24 kHz."""

ROOT = "root"
"""The `previous_item_id` of an item that goes first."""

_MOST_AUDIO_BYTES = 64 * 1024 * 1024
"""Audio kept for retrieval, about 23 minutes; the oldest is forgotten first."""


@dataclass(slots=True, eq=False)
class Item:
    """One item of a conversation."""

    wire: Wire
    audio: dict[int, bytearray] = field(default_factory=dict)
    """Audio by content index."""
    reported: bool = False
    """A function's output that the brain was already told."""
    truncated: bool = False
    """The client cut the audio to what was heard: nothing is added any more."""
    audio_bytes: int = 0
    """Length of the audio, counting what is no longer kept."""

    @property
    def item_id(self) -> str:
        """The id."""
        return str(self.wire["id"])

    @property
    def kind(self) -> str:
        """The type of the item, or the role if it is a message."""
        return str(self.wire.get("role", self.wire["type"]))

    @property
    def audio_ms(self) -> int:
        """Length of the audio in it."""
        return self.audio_bytes // BYTES_PER_MS

    @property
    def transcript(self) -> str:
        """All its words; empty as long as its audio was not transcribed."""
        texts = [part.get("text") or part.get("transcript") or "" for part in self.wire.get("content", [])]
        return " ".join(filter(None, texts))

    @property
    def unheard(self) -> bool:
        """The user's audio in it was not yet transcribed."""
        return self.kind == "user" and any(
            self.wire["content"][index].get("transcript") is None for index in self.audio
        )

    def shown(self, *, with_audio: bool = False) -> Wire:
        """The wire form; a copy."""
        result = copy.deepcopy(self.wire)
        if with_audio:
            for index, pcm in self.audio.items():
                result["content"][index]["audio"] = base64.b64encode(pcm).decode()
        return result

    def add_audio(self, content_index: int, pcm: bytes) -> None:
        """Append audio to a part."""
        self.audio.setdefault(content_index, bytearray()).extend(pcm)
        self.audio_bytes += len(pcm)

    def hear(self, text: str) -> None:
        """Put in the words of the user's audio."""
        for order, index in enumerate(sorted(self.audio)):
            self.wire["content"][index]["transcript"] = "" if order else text

    def truncate(self, content_index: int, audio_end_ms: int) -> None:
        """Cut assistant audio to what was heard; its transcript goes, for nobody knows which words were heard."""
        if self.kind != "assistant" or content_index not in self.audio:
            wording = "Only model output audio messages can be truncated."
            raise RefusedError("invalid_value", wording, "item_id" if self.kind != "assistant" else "content_index")
        if audio_end_ms > self.audio_ms:
            wording = f"Audio content of {self.audio_ms}ms is already shorter than {audio_end_ms}ms"
            raise RefusedError("invalid_value", wording, "audio_end_ms")
        del self.audio[content_index][audio_end_ms * BYTES_PER_MS :]
        self.audio_bytes = audio_end_ms * BYTES_PER_MS
        self.truncated = True
        self.wire["content"][content_index].pop("transcript", None)

    def tokens(self) -> tuple[int, int]:
        """Tokens of text and of audio that it costs as input: user audio 10 a second, assistant audio 20."""
        if self.kind in ("user", "assistant") and self.audio:
            spoken = math.ceil(self.audio_ms * (10 if self.kind == "user" else 20) / 1000)
            texts = sum(text_tokens(part.get("text") or "") for part in self.wire["content"])
            return texts, spoken
        words = [str(self.wire[key]) for key in ("name", "arguments", "output") if key in self.wire]
        return text_tokens(" ".join([*words, self.transcript])), 0


def text_tokens(text: str) -> int:
    """Tokens of a text, about four characters each."""
    return math.ceil(len(text) / 4)


def client_item(given: Wire, item_id: str) -> Item:
    """The item that a client describes; raises RefusedError for audio that is not base64."""
    wire: Wire = {"id": item_id, "object": "realtime.item", "status": "completed"}
    wire |= {key: copy.deepcopy(value) for key, value in given.items() if value is not None}
    if wire["type"] == "function_call":
        wire.setdefault("call_id", f"call_{item_id}")
    item = Item(wire)
    for index, part in enumerate(wire.get("content", [])):
        if part["type"] == "input_audio":
            item.add_audio(index, decoded_audio(part.pop("audio"), f"item.content[{index}].audio"))
            # The transcript that a client gives is not shown to the model; ours is.
            part["transcript"] = None
    return item


def spoken_item(item_id: str, pcm: bytes) -> Item:
    """A user message made of the input audio buffer."""
    content = [{"type": "input_audio", "transcript": None}]
    wire = {"id": item_id, "object": "realtime.item", "type": "message", "status": "completed"}
    item = Item({**wire, "role": "user", "content": content})
    item.add_audio(0, pcm)
    return item


def decoded_audio(audio: str, path: str) -> bytes:
    """The bytes of base64; raises RefusedError."""
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        wording = "Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an invalid value."
        raise RefusedError("invalid_value", f"Invalid '{path}'. {wording}", path) from None


class Conversation:
    """The default conversation of a session."""

    def __init__(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self._items: dict[str, Item] = {}

    @property
    def items(self) -> Sequence[Item]:
        """The items in order."""
        return list(self._items.values())

    def get(self, item_id: str) -> Item | None:
        """The item, if there is one."""
        return self._items.get(item_id)

    def find(self, item_id: str, action: str) -> Item:
        """The item; raises RefusedError in the words of what was to be done with it."""
        item = self._items.get(item_id)
        if item is None:
            wording = f"Error {action[:-1]}ing item: the item with id '{item_id}' does not exist."
            raise RefusedError(f"item_{action}_invalid_item_id", wording, "item_id")
        return item

    def insert(self, item: Item, after: str | None) -> None:
        """Put an item after another, first (ROOT), or last (None); raises RefusedError."""
        if item.item_id in self._items:
            wording = f"Error adding item: an item with id '{item.item_id}' already exists in the conversation."
            raise RefusedError("item_create_duplicate_item_id", wording, "item.id")
        if after is not None and after != ROOT and after not in self._items:
            wording = f"Error adding item: the previous item with id '{after}' does not exist."
            raise RefusedError("invalid_value", wording, "previous_item_id")
        self._check_call(item)
        order = list(self._items.items())
        at = {None: len(order), ROOT: 0}.get(after)
        if at is None:
            at = list(self._items).index(str(after)) + 1
        order.insert(at, (item.item_id, item))
        self._items = dict(order)

    def remove(self, item_id: str) -> None:
        """Take an item out; raises RefusedError."""
        self.find(item_id, "delete")
        del self._items[item_id]

    def previous_id(self, item_id: str) -> str | None:
        """The id of the item before this one."""
        ids = list(self._items)
        position = ids.index(item_id)
        return ids[position - 1] if position else None

    def save_memory(self) -> None:
        """Forget the oldest audio when there is too much of it."""
        excess = sum(len(pcm) for item in self._items.values() for pcm in item.audio.values()) - _MOST_AUDIO_BYTES
        for item in self._items.values():
            if excess <= 0:
                return
            for pcm in item.audio.values():
                excess -= len(pcm)
                pcm.clear()

    def _check_call(self, item: Item) -> None:
        call_id = item.wire["call_id"] if item.kind == "function_call_output" else None
        calls = {each.wire["call_id"] for each in self._items.values() if each.kind == "function_call"}
        if call_id is not None and call_id not in calls:
            raise RefusedError("invalid_tool_call_id", f"Tool call ID '{call_id}' not found in conversation.")


def question(context: Sequence[Item]) -> Words | Outputs | Item:
    """What the brain is asked by the newest items; an Item means that its audio must be transcribed first.

    Function outputs that were not yet reported come before the user's last message.
    """
    outputs: list[Item] = []
    for item in reversed(context):
        if item.kind in ("user", "assistant"):
            break
        if item.kind == "function_call_output" and not item.reported:
            outputs.insert(0, item)
    if outputs:
        names = {item.wire.get("call_id"): item.wire["name"] for item in context if item.kind == "function_call"}
        return Outputs(tuple((names.get(item.wire["call_id"], ""), item.wire["output"]) for item in outputs))
    for item in reversed(context):
        if item.kind == "user":
            return item if item.unheard else Words(item.transcript)
    return Words("")


def context_tokens(context: Iterable[Item]) -> tuple[int, int]:
    """Tokens of text and of audio of all items."""
    pairs = [item.tokens() for item in context]
    return sum(text for text, _ in pairs), sum(audio for _, audio in pairs)
