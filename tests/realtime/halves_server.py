"""The server half without its sockets and threads: the pure protocol, and a brain that gets on when it is told to."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from fault_mind import ANSWERS, REPORT, SORRY, Endpointer
from fault_words import BYTES_PER_MS, pcm_of, words_in
from speakerd.audio.utterances import SpeechOver
from speakerd.offline.brain import Say
from speakerd.offline.protocol import SessionProtocol
from speakerd.offline.protocol_effects import (
    Effect,
    Listen,
    Outputs,
    Send,
    Speak,
    StartEndpointing,
    Stop,
    StopEndpointing,
    Think,
    Transcribe,
)

_PIECE_BYTES = 200 * BYTES_PER_MS


@dataclass
class HalfServer:
    """One session of the server, with a brain that answers when it is told to."""

    number: int
    sent: deque[str] = field(default_factory=deque)
    work: list[Transcribe | Think | Speak] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    active: str | None = None
    outputs: dict[str, int] = field(default_factory=dict)
    """How often each call was answered."""
    _endpointer: Endpointer | None = None
    _unspoken: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.protocol = SessionProtocol(
            token=f"t{self.number}x", model="scripted", voice="marin", silence_ms=700, expires_at=1_900_000_000
        )

    @property
    def items(self) -> dict[str, Any]:
        """The conversation."""
        return {item.item_id: item for item in self.protocol._conversation.items}

    def take(self, frame: str) -> None:
        event = json.loads(frame)
        if event["type"] == "conversation.item.create" and event["item"]["type"] == "function_call_output":
            call_id = event["item"]["call_id"]
            self.outputs[call_id] = self.outputs.get(call_id, 0) + 1
        self.do(self.protocol.receive(frame))

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(event):
                    self._follow(event)
                    self.sent.append(json.dumps(event))
                case StartEndpointing(silence_ms=silence_ms):
                    self._endpointer = Endpointer(silence_ms)
                case StopEndpointing():
                    self._endpointer = None
                case Listen(pcm):
                    self._listen(pcm)
                case Transcribe() | Think() | Speak():
                    self.work.append(effect)
                case Stop(response_id):
                    self.work = [each for each in self.work if getattr(each, "response_id", "") != response_id]

    def get_on(self, which: int) -> None:
        """The brain does a piece of its work."""
        if not self.work:
            return
        effect = self.work[which % len(self.work)]
        match effect:
            case Transcribe(item_id, pcm):
                self.work.remove(effect)
                self.do(self.protocol.transcribed(item_id, words_in(pcm)))
            case Think(response_id, question):
                self.work.remove(effect)
                words = REPORT if isinstance(question, Outputs) else ""
                parts = [Say(REPORT)] if words else ANSWERS.get(getattr(question, "text", ""), [Say(SORRY)])
                self.do(self.protocol.thought(response_id, parts))
            case Speak(response_id, text):
                self._speak(effect, response_id, text)

    def fail(self) -> None:
        """The active response fails."""
        if self.active is not None:
            self.do(self.protocol.failed(self.active, "no"))

    def _speak(self, effect: Speak, response_id: str, text: str) -> None:
        rest = self._unspoken.get(response_id)
        rest = pcm_of(text) if rest is None else rest
        piece, rest = rest[:_PIECE_BYTES], rest[_PIECE_BYTES:]
        if piece:
            self._unspoken[response_id] = rest
            self.do(self.protocol.spoke(response_id, piece))
        else:
            self._unspoken.pop(response_id, None)
            self.work.remove(effect)
            self.do(self.protocol.spoken(response_id))

    def _listen(self, pcm: bytes) -> None:
        for found in self._endpointer.feed(pcm) if self._endpointer else ():
            over = isinstance(found, SpeechOver)
            self.do((self.protocol.speech_over if over else self.protocol.speech_began)(found.at_ms))

    def _follow(self, event: Any) -> None:
        match event["type"]:
            case "response.created":
                assert self.active is None, "two responses at once"
                self.active = event["response"]["id"]
            case "response.done":
                assert self.active == event["response"]["id"]
                self.active = None
            case "error":
                self.errors.append(event["error"]["code"])
