"""One session of the fault server while it behaves: our own pure server half with a scripted brain, in fast time.

Turns are found by where the samples are not zero; hearing, thinking and speaking take the seconds of `Pace`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fault_words import BYTES_PER_MS, is_silent, pcm_of, words_in
from speakerd.audio.utterances import Change, SpeechOver, Utterances
from speakerd.offline.brain import Call, Part, Say
from speakerd.offline.protocol import SessionProtocol
from speakerd.offline.protocol_effects import (
    Close,
    Effect,
    Listen,
    Outputs,
    Prepare,
    Send,
    Speak,
    StartEndpointing,
    Stop,
    StopEndpointing,
    Think,
    Transcribe,
    Words,
)

Wire = Mapping[str, Any]

_FRAME_BYTES = 20 * BYTES_PER_MS
_PIECE_BYTES = 200 * BYTES_PER_MS


@dataclass(frozen=True)
class Pace:
    """How many seconds things take."""

    hearing: float = 0.1
    thinking: float = 0.3
    speaking: float = 0.05
    """For each piece of 0.2 s: faster than real time, as in the cloud."""


STORY = "once upon a time there was a fox who lived in the forest and the fox was so so long ago"
ANSWERS: Mapping[str, Sequence[Part]] = {
    "what time is it": [Call("clock", {})],
    "tell me a story": [Say(STORY)],
    "hello": [Say("hello you too")],
    "and now": [Say("yes"), Call("clock", {})],
    "goodbye": [Say("bye bye"), Call("end_conversation", {})],
}
"""What the brain says and calls; what it does not understand it is sorry about."""
REPORT = "it is noon"
"""What it says about outputs of functions."""
SORRY = "sorry"


class Endpointer:
    """Finds utterances where samples are not zero."""

    def __init__(self, silence_ms: int) -> None:
        self._utterances = Utterances(silence_ms, frame_ms=20, window_frames=5, voiced_to_begin=2)
        self._rest = b""

    def feed(self, pcm: bytes) -> list[Change]:
        audio = self._rest + pcm
        whole = len(audio) // _FRAME_BYTES * _FRAME_BYTES
        self._rest = audio[whole:]
        frames = (audio[start : start + _FRAME_BYTES] for start in range(0, whole, _FRAME_BYTES))
        found = [self._utterances.feed(not is_silent(frame)) for frame in frames]
        return [change for change in found if change is not None]


class Mind:
    """Carries messages between one client and the protocol; hands out events and closings in order."""

    def __init__(
        self,
        token: str,
        send: Callable[[Wire], None],
        close: Callable[[int, str], None],
        answers: Mapping[str, Sequence[Part]] = ANSWERS,
        pace: Pace | None = None,
    ) -> None:
        self._protocol = SessionProtocol(
            token=token, model="scripted", voice="marin", silence_ms=700, expires_at=1_900_000_000
        )
        self._send = send
        self._close = close
        self._answers = answers
        self._pace = pace or Pace()
        self._endpointer: Endpointer | None = None
        self._work: dict[str, list[asyncio.TimerHandle]] = {}
        self.active: str | None = None
        """The response that is active."""

    def begin(self) -> None:
        self._do(self._protocol.begin())

    def receive(self, message: str | bytes) -> None:
        self._do(self._protocol.receive(message))

    def fail(self, reason: str) -> None:
        """The active response fails."""
        if self.active is not None:
            self._do(self._protocol.failed(self.active, reason))

    def expire(self) -> None:
        self._do(self._protocol.expire(60))

    def end(self) -> None:
        """Nothing more is done."""
        for handle in (handle for handles in self._work.values() for handle in handles):
            handle.cancel()
        self._work.clear()

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(event):
                    self._follow(event)
                    self._send(event)
                case Close(code, reason):
                    self._close(code, reason)
                case StartEndpointing(silence_ms=silence_ms):
                    self._endpointer = Endpointer(silence_ms)
                case StopEndpointing():
                    self._endpointer = None
                case Listen(pcm):
                    self._listen(pcm)
                case Transcribe() | Think() | Speak():
                    self._begin(effect)
                case Stop(response_id):
                    for handle in self._work.pop(response_id, []):
                        handle.cancel()
                case Prepare():
                    pass

    def _follow(self, event: Wire) -> None:
        if event["type"] == "response.created":
            assert self.active is None, "two active responses"
            self.active = event["response"]["id"]
        elif event["type"] == "response.done":
            self.active = None

    def _listen(self, pcm: bytes) -> None:
        for found in self._endpointer.feed(pcm) if self._endpointer else ():
            over = isinstance(found, SpeechOver)
            self._do((self._protocol.speech_over if over else self._protocol.speech_began)(found.at_ms))

    def _begin(self, effect: Transcribe | Think | Speak) -> None:
        protocol, pace = self._protocol, self._pace
        match effect:
            case Transcribe(item_id, pcm):
                self._later(item_id, pace.hearing, lambda: protocol.transcribed(item_id, words_in(pcm)))
            case Think(response_id, question):
                parts = self._parts(question)
                self._later(response_id, pace.thinking, lambda: protocol.thought(response_id, parts))
            case Speak(response_id, text):
                pcm = pcm_of(text)
                pieces = [pcm[start : start + _PIECE_BYTES] for start in range(0, len(pcm), _PIECE_BYTES)]
                for number, piece in enumerate(pieces):
                    speaking = lambda piece=piece: protocol.spoke(response_id, piece)  # noqa: E731
                    self._later(response_id, (number + 1) * pace.speaking, speaking)
                self._later(response_id, (len(pieces) + 1) * pace.speaking, lambda: protocol.spoken(response_id))

    def _later(self, about: str, seconds: float, work: Callable[[], list[Effect]]) -> None:
        handle = asyncio.get_running_loop().call_later(seconds, lambda: self._do(work()))
        self._work.setdefault(about, []).append(handle)

    def _parts(self, question: Words | Outputs) -> Sequence[Part]:
        if isinstance(question, Outputs):
            return [Say(REPORT)]
        return self._answers.get(question.text, [Say(SORRY)])
