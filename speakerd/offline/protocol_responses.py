"""One response: it climbs the ladder of response events while the brain delivers parts and audio. Pure.

Every response that was created ends exactly once, and whatever part of it is open is closed first.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from speakerd.offline.brain import Call, Part
from speakerd.offline.protocol_effects import Speak, Stop
from speakerd.offline.protocol_items import BYTES_PER_MS, Conversation, Item, text_tokens
from speakerd.offline.protocol_outlet import Outlet
from speakerd.offline.protocol_session import Wire
from speakerd.ports import ToolSpec

_DELTA_BYTES = 200 * BYTES_PER_MS
_WORDS_PER_SECOND = 2.75
"""About how fast words are spoken: the transcript is sent at the pace of the audio."""

Reason = Literal["turn_detected", "client_cancelled", "max_output_tokens"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a response was asked to be."""

    tools: tuple[ToolSpec, ...]
    modality: str
    """audio or text."""
    most_tokens: int | Literal["inf"]
    metadata: Mapping[str, str] | None
    voice: str
    input_text_tokens: int
    input_audio_tokens: int
    conversation: Conversation | None
    """Where the output goes; None when out of band."""
    reports: tuple[Item, ...]
    """Function outputs that the brain is told of."""


class Response:
    """A response from response.created to response.done."""

    def __init__(self, response_id: str, plan: Plan, outlet: Outlet) -> None:
        self.response_id = response_id
        self.plan = plan
        self.status = "in_progress"
        self.audio_ms = 0
        """Audio sent so far."""
        self.waits_for: Item | None = None
        """The user item whose words are needed first."""
        self._outlet = outlet
        self._details: Wire | None = None
        self._items: list[Item] = []
        self._parts: deque[Part] = deque()
        self._message: _Message | None = None
        self._text_tokens = 0
        self._audio_bytes = 0
        outlet.send("response.created", response=self._shown())

    @property
    def over(self) -> bool:
        """response.done was sent."""
        return self.status != "in_progress"

    def take(self, parts: Sequence[Part]) -> None:
        """Say and call these, then end."""
        self._parts.extend(parts)
        self._go_on()

    def play(self, pcm: bytes) -> None:
        """Send a piece of the open message's audio, with the words that belong to it."""
        for start in range(0, len(pcm), _DELTA_BYTES):
            delta = pcm[start : start + _DELTA_BYTES]
            if self._message is None or not self._affords(0, len(delta)):
                return
            self._audio_bytes += len(delta)
            self.audio_ms = self._audio_bytes // BYTES_PER_MS
            self._message.add_audio(delta)
            self._add_words(self._message.due_words())

    def finish_message(self) -> None:
        """The open message was spoken to its end."""
        if self._message is not None:
            self._add_words(self._message.other_words())
            self._close_message("completed")
            self._go_on()

    def end(self, status: str, reason: Reason | None = None, error: Wire | None = None) -> None:
        """Close what is open and send response.done."""
        if self.over:
            return
        self._close_message("incomplete")
        self.status = status
        if status != "completed":
            self._outlet.ask(Stop(self.response_id))
            self._details = {"type": status, "reason": reason, "error": error}
        elif self.plan.conversation is not None:
            for item in self.plan.reports:
                item.reported = True
        self._outlet.send("response.done", response=self._shown())

    def _go_on(self) -> None:
        while self._parts and self._message is None and not self.over:
            part = self._parts.popleft()
            if isinstance(part, Call):
                self._call(part)
            else:
                self._say(part.text)
        if self._message is None:
            self.end("completed")

    def _say(self, text: str) -> None:
        wire: Wire = {"type": "message", "role": "assistant", "content": []}
        item = self._add_item(self._outlet.mint("item"), wire)
        spoken = self.plan.modality == "audio"
        self._message = _Message(item, text, self._head(item), self._outlet, spoken=spoken)
        if spoken:
            self._outlet.ask(Speak(self.response_id, text))
        else:
            self._add_words(self._message.other_words())
            self._close_message("completed")

    def _call(self, call: Call) -> None:
        arguments = json.dumps(dict(call.arguments))
        call_id = self._outlet.mint("call")
        if not self._affords(text_tokens(arguments), 0):
            return
        self._text_tokens += text_tokens(arguments)
        wire: Wire = {"type": "function_call", "name": call.name, "call_id": call_id, "arguments": ""}
        item = self._add_item(self._outlet.mint("item"), wire)
        head = {**self._head(item), "call_id": call_id}
        self._outlet.send("response.function_call_arguments.delta", **head, delta=arguments)
        item.wire["arguments"] = arguments
        self._outlet.send("response.function_call_arguments.done", **head, name=call.name, arguments=arguments)
        self._finish_item(item, "completed")

    def _add_words(self, words: Iterator[str]) -> None:
        for word in words:
            if self._message is None or not self._affords(text_tokens(word), 0):
                return
            self._text_tokens += text_tokens(word)
            self._message.add_word(word)

    def _affords(self, text: int, audio_bytes: int) -> bool:
        """Whether so much more may be sent; ends the response if not."""
        audio = _audio_tokens(self._audio_bytes + audio_bytes)
        if self.plan.most_tokens == "inf" or self._text_tokens + text + audio <= self.plan.most_tokens:
            return True
        self.end("incomplete", "max_output_tokens")
        return False

    def _close_message(self, status: str) -> None:
        if self._message is not None:
            message, self._message = self._message, None
            message.close()
            self._finish_item(message.item, status)

    def _add_item(self, item_id: str, wire: Wire) -> Item:
        item = Item({"id": item_id, "object": "realtime.item", "status": "in_progress", **wire})
        self._items.append(item)
        if self.plan.conversation is not None:
            self.plan.conversation.insert(item, None)
        self._send_item("response.output_item.added", item)
        self._mirror("conversation.item.added", item)
        return item

    def _finish_item(self, item: Item, status: str) -> None:
        item.wire["status"] = status
        self._send_item("response.output_item.done", item)
        self._mirror("conversation.item.done", item)

    def _send_item(self, event_type: str, item: Item) -> None:
        index = self._items.index(item)
        self._outlet.send(event_type, response_id=self.response_id, output_index=index, item=item.shown())

    def _mirror(self, event_type: str, item: Item) -> None:
        conversation = self.plan.conversation
        if conversation is not None and conversation.get(item.item_id) is item:
            previous = conversation.previous_id(item.item_id)
            self._outlet.send(event_type, previous_item_id=previous, item=item.shown())

    def _head(self, item: Item) -> Wire:
        return {"response_id": self.response_id, "item_id": item.item_id, "output_index": self._items.index(item)}

    def _shown(self) -> Wire:
        plan = self.plan
        voice = {"format": {"type": "audio/pcm", "rate": 24000}, "voice": plan.voice}
        return {
            "id": self.response_id,
            "object": "realtime.response",
            "status": self.status,
            "status_details": self._details,
            "output": [item.shown() for item in self._items],
            "conversation_id": plan.conversation.conversation_id if plan.conversation is not None else None,
            "output_modalities": [plan.modality],
            "max_output_tokens": plan.most_tokens,
            "audio": {"output": voice},
            "usage": self._usage() if self.over else None,
            "metadata": plan.metadata,
        }

    def _usage(self) -> Wire:
        plan = self.plan
        input_tokens = plan.input_text_tokens + plan.input_audio_tokens
        audio = _audio_tokens(self._audio_bytes)
        none_cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        return {
            "total_tokens": input_tokens + self._text_tokens + audio,
            "input_tokens": input_tokens,
            "output_tokens": self._text_tokens + audio,
            "input_token_details": {
                "text_tokens": plan.input_text_tokens,
                "audio_tokens": plan.input_audio_tokens,
                "image_tokens": 0,
                "cached_tokens": 0,
                "cached_tokens_details": none_cached,
            },
            "output_token_details": {"text_tokens": self._text_tokens, "audio_tokens": audio},
        }


class _Message:
    """A message that is being spoken or written."""

    def __init__(self, item: Item, text: str, head: Wire, outlet: Outlet, *, spoken: bool) -> None:
        self.item = item
        self._words = iter(re.findall(r"\s*\S+(?:\s+\Z)?|\s+\Z", text))
        self._head = {**head, "content_index": 0}
        self._outlet = outlet
        self._spoken = spoken
        self._sent: list[str] = []
        self._audio_bytes = 0
        if spoken:
            item.add_audio(0, b"")
        item.wire["content"] = [self._content()]
        outlet.send("response.content_part.added", **self._head, part=self._part())

    def add_audio(self, pcm: bytes) -> None:
        self._audio_bytes += len(pcm)
        if not self.item.truncated:
            self.item.add_audio(0, pcm)
        self._outlet.send("response.output_audio.delta", **self._head, delta=base64.b64encode(pcm).decode())

    def add_word(self, word: str) -> None:
        self._sent.append(word)
        kind = "response.output_audio_transcript.delta" if self._spoken else "response.output_text.delta"
        self._outlet.send(kind, **self._head, delta=word)

    def due_words(self) -> Iterator[str]:
        """The words whose time has come with the audio sent so far."""
        due = math.ceil(self._audio_bytes / BYTES_PER_MS / 1000 * _WORDS_PER_SECOND)
        while len(self._sent) < due:
            word = next(self._words, None)
            if word is None:
                return
            yield word

    def other_words(self) -> Iterator[str]:
        """All words not yet sent."""
        return self._words

    def close(self) -> None:
        text = "".join(self._sent)
        if self._spoken:
            self._outlet.send("response.output_audio.done", **self._head)
            self._outlet.send("response.output_audio_transcript.done", **self._head, transcript=text)
        else:
            self._outlet.send("response.output_text.done", **self._head, text=text)
        self._outlet.send("response.content_part.done", **self._head, part=self._part())
        self.item.wire["content"] = [self._content()]

    def _part(self) -> Wire:
        text = "".join(self._sent)
        return {"type": "audio", "transcript": text} if self._spoken else {"type": "text", "text": text}

    def _content(self) -> Wire:
        if not self._spoken:
            return {"type": "output_text", "text": "".join(self._sent)}
        if self.item.truncated:
            return {"type": "output_audio"}
        return {"type": "output_audio", "transcript": "".join(self._sent)}


def _audio_tokens(size_bytes: int) -> int:
    """Assistant audio costs 20 tokens a second."""
    return math.ceil(size_bytes / BYTES_PER_MS / 50)
