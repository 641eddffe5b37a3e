"""What happened in the demonstration, with the time of everything: an observer of the daemon that decides nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from speakerd.core import events as on
from speakerd.core.lights import Light, light
from speakerd.core.state import Listening, Opening, Speaking, State
from speakerd.gpio.patterns import PATTERNS
from speakerd.wakeword.observation import Observation

_BYTES_PER_MS = 48
"""Mono 16-bit PCM at 24 kHz."""


@dataclass(slots=True)
class Answer:
    """One spoken item."""

    text: str = ""
    audio_base64_length: int = 0
    heard_ms: int = 0
    interrupted_by: str | None = None

    @property
    def audio_ms(self) -> int:
        """What the server sent of it."""
        return self.audio_base64_length * 3 // 4 // _BYTES_PER_MS


@dataclass(slots=True)
class ToolCall:
    """A function call and what came of it."""

    name: str
    arguments: str
    result: str | None = None


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One event of the protocol; `at` is monotonic seconds."""

    at: float
    direction: str
    kind: str
    event: Mapping[str, object]


@dataclass
class Recording:
    """Grows while the speaker runs; times are monotonic seconds."""

    tell: Callable[[float, str], None]
    """Takes (seconds since the start, one line) for the timeline."""
    started_at: float = field(default_factory=time.monotonic)
    state: State = field(default_factory=State)
    wakes: list[tuple[float, on.WakeWordHeard]] = field(default_factory=list)
    presses: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    """Seconds from each activation to its session."""
    lights: list[tuple[float, Light]] = field(default_factory=list)
    wire: list[WireEvent] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    """What the user was understood to say."""
    answers: dict[str, Answer] = field(default_factory=dict)
    calls: dict[str, ToolCall] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _activated_at: float = 0.0
    _interrupter: str = ""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def observe(self, event: on.Event, before: State, after: State) -> None:
        """Take down an event of the loop."""
        now = time.monotonic()
        self.state = after
        self._take_down(event, before, now)
        if light(before) is not light(after) or not self.lights:
            self.lights.append((now, light(after)))
            self.say(f"light: {light(after).value}, {_look(light(after))}")
        self._changed.set()

    def trace(self, direction: str, kind: str, event: Mapping[str, object]) -> None:
        """Take down an event of the wire; of audio only its length."""
        self.wire.append(WireEvent(time.monotonic(), direction, kind, event))
        if kind == "response.output_audio.delta" and isinstance(length := event["delta"], int):
            self._answer(str(event["item_id"])).audio_base64_length += length
        self._changed.set()

    def score(self, _: Observation) -> None:
        """Look at the conditions anew every 80 ms of sound; called in the audio thread."""
        self._loop.call_soon_threadsafe(self._changed.set)

    async def until(self, condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
        """Wait for something to be true, looked at after each event and score; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def say(self, line: str) -> None:
        """Add a line to the timeline."""
        self.tell(time.monotonic() - self.started_at, line)

    def _take_down(self, event: on.Event, before: State, now: float) -> None:
        match event:
            case on.WakeWordHeard(word=word, score=score):
                self.wakes.append((now, event))
                self.say(f"wake word: {word}, score {score:.3f}")
            case on.ActionPressed():
                self.presses.append(now)
                self.say("button: pressed")
            case on.SessionOpened():
                self.ready.append(now - self._activated_at)
            case on.Transcribed(talker=on.Talker.USER, text=text):
                self.words.append(text)
                self.say(f'user: "{text}"')
            case on.Transcribed(item_id=item_id, text=text):
                self._answer(item_id).text = text
                self.say(f'assistant: "{_short(text)}"')
            case on.ToolCalled(call_id=call_id, name=name, arguments=arguments):
                self.calls[call_id] = ToolCall(name, arguments)
                self.say(f"tool: {name} {arguments}")
            case on.ToolFinished(call_id=call_id, output=output) if call_id in self.calls:
                self.calls[call_id].result = output
                self.say(f"tool: answered {output!r}")
            case on.PlayoutEnded():
                self._take_down_playout(event)
        if isinstance(self.state.phase, Opening) and not isinstance(before.phase, Opening):
            self._activated_at = now
        if isinstance(before.phase, Speaking) and isinstance(self.state.phase, Listening):
            self._interrupter = _INTERRUPTERS.get(type(event), "")

    def _take_down_playout(self, event: on.PlayoutEnded) -> None:
        answer = self._answer(event.item_id)
        answer.heard_ms = event.played_ms
        answer.interrupted_by = self._interrupter if event.cut_short else None
        ending = f"interrupted by the {answer.interrupted_by}" if event.cut_short else "to its end"
        self.say(f"heard: {event.played_ms / 1000:.1f} s of {answer.audio_ms / 1000:.1f} s, {ending}")

    def _answer(self, item_id: str) -> Answer:
        return self.answers.setdefault(item_id, Answer())


_INTERRUPTERS = {on.ActionPressed: "button", on.WakeWordHeard: "wake word", on.SpeechStarted: "user"}


def _look(shown: Light) -> str:
    pattern = PATTERNS[shown]
    colour = " ".join(f"{round(100 * part * pattern.brightness)}%" for part in pattern.colour)
    return f"LED {pattern.kind.value} red/green/blue {colour}"


def _short(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:90].rsplit(' ', 1)[0]} …"
