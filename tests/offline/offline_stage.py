"""Plays one session of the protocol without a network: a scripted brain answers at once, every event is validated."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from speakerd.offline.brain import Part, Say
from speakerd.offline.protocol import SessionProtocol
from speakerd.offline.protocol_effects import (
    Effect,
    Outputs,
    Send,
    Speak,
    Think,
    Transcribe,
    Words,
)
from validation import check_server_event

Wire = dict[str, Any]


def pcm_of(milliseconds: int) -> bytes:
    """Silence at 24 kHz."""
    return bytes(48 * milliseconds)


def append_of(milliseconds: int) -> Wire:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm_of(milliseconds)).decode()}


def user_text(text: str, **fields: Any) -> Wire:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content, **fields}
    return {"type": "conversation.item.create", "item": item}


@dataclass
class Stage:
    """A session and its brain; effects that nobody plays are kept in `asked`."""

    answers: Mapping[str, Sequence[Part]] = field(default_factory=dict)
    """What the brain answers to words; anything else is said back."""
    plays: frozenset[type] = frozenset({Transcribe, Think, Speak})
    """Requests to the brain that are answered at once."""
    words: str = "what time is it"
    """What every utterance is understood as."""
    events: list[Wire] = field(default_factory=list)
    asked: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.protocol = SessionProtocol(
            token="t0",  # noqa: S106  # makes ids, opens nothing
            model="test",
            voice="marin",
            silence_ms=700,
            expires_at=1_800_000_000,
        )
        self.do(self.protocol.begin())

    def send(self, *events: Wire) -> list[Wire]:
        """Client events in; the server events that they led to."""
        before = len(self.events)
        for event in events:
            self.do(self.protocol.receive(json.dumps(event)))
        return self.events[before:]

    def speak(self, milliseconds: int, *, after_ms: int = 0) -> list[Wire]:
        """The user speaks from a position of the endpointer's clock on."""
        before = len(self.events)
        self.do(self.protocol.speech_began(after_ms))
        self.do(self.protocol.speech_over(after_ms + milliseconds))
        return self.events[before:]

    def do(self, effects: Iterable[Effect]) -> None:
        """Carry effects out in order, and then those that follow from them."""
        waiting = deque(effects)
        while waiting:
            effect = waiting.popleft()
            if isinstance(effect, Send):
                event = json.loads(json.dumps(effect.event))
                check_server_event(event)
                self.events.append(event)
            elif type(effect) in self.plays:
                waiting.extend(self._play(effect))
            else:
                self.asked.append(effect)

    def _play(self, effect: Effect) -> Sequence[Effect]:
        match effect:
            case Transcribe():
                return self.protocol.transcribed(effect.item_id, self.words)
            case Think():
                return self.protocol.thought(effect.response_id, self._parts(effect.question))
            case Speak():
                audio = self.protocol.spoke(effect.response_id, pcm_of(400))
                return [*audio, *self.protocol.spoken(effect.response_id)]
            case _:
                raise AssertionError(effect)

    def _parts(self, question: Words | Outputs) -> Sequence[Part]:
        if isinstance(question, Outputs):
            return [Say(", ".join(f"{name} says {output}" for name, output in question.pairs))]
        return self.answers.get(question.text, [Say(f"you said {question.text}")])


def kinds(events: Sequence[Wire]) -> list[str]:
    return [event["type"] for event in events]


def of(events: Sequence[Wire], kind: str) -> list[Wire]:
    return [event for event in events if event["type"] == kind]


def only(events: Sequence[Wire], kind: str) -> Wire:
    found = of(events, kind)
    assert len(found) == 1, (kind, kinds(events))
    return found[0]


def error_of(events: Sequence[Wire]) -> Wire:
    """The error event's error, which must be the only event."""
    assert kinds(events) == ["error"], kinds(events)
    error: Wire = events[0]["error"]
    return error
