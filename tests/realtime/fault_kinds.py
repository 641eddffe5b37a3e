"""How a server can misbehave, and when: the vocabulary of the table of faults.

A strike is done to the session; a twist changes what is sent at the step, or next after it where the step is something
that the server gets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, runtime_checkable

Wire = Mapping[str, Any]


@dataclass(frozen=True)
class Raw:
    """A text frame of these bytes, whatever they are."""

    data: bytes


@dataclass(frozen=True)
class Fragments:
    """A text message in several frames."""

    parts: Sequence[str]


Frame = str | Raw | Fragments
"""What is sent at once."""


class Way(Enum):
    """What a server does at a step."""

    UPGRADES = "upgrades"
    SENDS = "sends"
    GETS = "gets"
    RESTS = "rests"


@dataclass(frozen=True)
class Step:
    """A rung of the ladder that a conversation climbs."""

    name: str
    way: Way
    kind: str = ""
    """The event; those with an item are named with what it is, as in "conversation.item.create/user"."""
    nth: int = 1
    """Which one of them in a session."""
    after_seconds: float = 0.0
    """For RESTS: how long after that event."""

    def __str__(self) -> str:
        return self.name


_DELTA = "response.output_audio.delta"

CONNECT = Step("connect", Way.UPGRADES)
CREATED = Step("session.created", Way.SENDS, "session.created")
UPDATED = Step("session.updated", Way.SENDS, "session.updated")
FIRST_APPEND = Step("first append", Way.GETS, "input_audio_buffer.append")
SPEECH_STARTED = Step("speech_started", Way.SENDS, "input_audio_buffer.speech_started")
SPEECH_STOPPED = Step("speech_stopped", Way.SENDS, "input_audio_buffer.speech_stopped")
COMMITTED = Step("committed", Way.SENDS, "input_audio_buffer.committed")
RESPONSE_CREATED = Step("response.created", Way.SENDS, "response.created")
TOOL_CALL = Step("tool call", Way.SENDS, "response.output_item.added/function_call")
ARGUMENTS = Step("arguments", Way.SENDS, "response.function_call_arguments.done")
TOOL_OUTPUT = Step("tool output", Way.GETS, "conversation.item.create/function_call_output")
FIRST_AUDIO = Step("first audio", Way.SENDS, _DELTA)
MID_AUDIO = Step("mid audio", Way.SENDS, _DELTA, nth=2)
RESPONSE_DONE = Step("response.done", Way.SENDS, "response.done", nth=2)
IDLE = Step("idle", Way.RESTS, "response.done", nth=2, after_seconds=2.0)
MID_STORY = Step("mid story", Way.SENDS, _DELTA, nth=9)
INTERRUPTED = Step("after interruption", Way.GETS, "response.cancel")
TRUNCATED = Step("truncated", Way.SENDS, "conversation.item.truncated")
REPLAY = Step("replay", Way.GETS, "conversation.item.create/user")

LADDER = (
    *(CONNECT, CREATED, UPDATED, FIRST_APPEND, SPEECH_STARTED, SPEECH_STOPPED, COMMITTED, RESPONSE_CREATED),
    *(TOOL_CALL, ARGUMENTS, TOOL_OUTPUT, FIRST_AUDIO, MID_AUDIO, RESPONSE_DONE, IDLE, MID_STORY, INTERRUPTED),
    TRUNCATED,
)
"""What every conversation passes in its first session; REPLAY comes in one that continues another."""


UNTIL_ANSWERED = LADDER[: LADDER.index(FIRST_AUDIO) + 1]
"""Where the user has been promised an answer and not heard it."""


class Victim(Protocol):
    """A session, as strikes see it."""

    def cut(self) -> None:
        """Break the connection without a word."""

    def close(self, code: int, reason: str) -> None:
        """Close after what was sent before; nothing more is done."""

    def fall_silent(self) -> None:
        """Send nothing any more, except pongs."""

    def freeze(self, seconds: float | None) -> None:
        """Neither read nor send, for so long or for ever."""

    def stall(self, seconds: float) -> None:
        """Send what follows so much later."""

    def inject(self, event: Wire) -> None:
        """Send an event of ours."""

    def fail_response(self, code: str) -> None:
        """End the active response as failed."""


@runtime_checkable
class Strike(Protocol):
    def strike(self, victim: Victim) -> None: ...


@runtime_checkable
class Twist(Protocol):
    def twist(self, event: Wire) -> Sequence[Frame]: ...


# Strikes


@dataclass(frozen=True)
class Cut:
    def strike(self, victim: Victim) -> None:
        victim.cut()


@dataclass(frozen=True)
class CloseWith:
    code: int
    reason: str = ""
    error: Wire | None = None
    """Sent before."""

    def strike(self, victim: Victim) -> None:
        if self.error is not None:
            victim.inject(self.error)
        victim.close(self.code, self.reason)


@dataclass(frozen=True)
class Silent:
    def strike(self, victim: Victim) -> None:
        victim.fall_silent()


@dataclass(frozen=True)
class HalfOpen:
    def strike(self, victim: Victim) -> None:
        victim.freeze(None)


@dataclass(frozen=True)
class SlowReader:
    seconds: float = 3.0

    def strike(self, victim: Victim) -> None:
        victim.freeze(self.seconds)


@dataclass(frozen=True)
class Delay:
    seconds: float = 3.0

    def strike(self, victim: Victim) -> None:
        victim.stall(self.seconds)


@dataclass(frozen=True)
class SendError:
    error: Wire

    def strike(self, victim: Victim) -> None:
        victim.inject(self.error)


@dataclass(frozen=True)
class FailResponse:
    """Nothing happens where none is active."""

    code: str

    def strike(self, victim: Victim) -> None:
        victim.fail_response(self.code)


# Twists


@dataclass(frozen=True)
class Twice:
    def twist(self, event: Wire) -> Sequence[Frame]:
        return [json.dumps(event)] * 2


@dataclass(frozen=True)
class Before:
    """A frame of ours comes first."""

    frame: Frame = field(repr=False)

    def twist(self, event: Wire) -> Sequence[Frame]:
        return [self.frame, json.dumps(event)]


@dataclass(frozen=True)
class AfterLongOne:
    """An event of tomorrow comes first, with so much in it."""

    mebibytes: int

    def twist(self, event: Wire) -> Sequence[Frame]:
        long = {"type": "rate_limits.forecast", "event_id": "long", "padding": "x" * (self.mebibytes * 2**20)}
        return [json.dumps(long), json.dumps(event)]


@dataclass(frozen=True)
class InFragments:
    def twist(self, event: Wire) -> Sequence[Frame]:
        text = json.dumps(event)
        return [Fragments([text[start : start + 97] for start in range(0, len(text), 97)])]


@dataclass(frozen=True)
class Swapped:
    """The event comes after the next one: the session keeps it back."""


@dataclass(frozen=True)
class Http:
    """The upgrade is refused; at CONNECT only."""

    status: int
    body: str = ""


Fault = Strike | Twist | Swapped | Http


def error(code: str | None, kind: str = "invalid_request_error", message: str = "no") -> Wire:
    detail = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
    return {"type": "error", "event_id": "fault", "error": detail}


@dataclass(frozen=True)
class Trouble:
    """A fault at a step, in one session or from that session on."""

    step: Step
    fault: Fault
    session: int = 1
    for_ever: bool = False

    def strikes(self, session: int) -> bool:
        return session >= self.session if self.for_ever else session == self.session
