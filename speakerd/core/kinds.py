"""Kinds of things that events and effects name."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """Why a conversation could not go on; each has its own light and cue."""

    NO_NETWORK = "no network"
    """The endpoint could not be reached, or the connection broke."""
    BAD_KEY = "bad key"
    """The endpoint refused the API key."""
    NO_CREDIT = "no credit"
    """The account has no credit or quota left."""
    REFUSED = "refused"
    """The endpoint refused the session: wrong model, wrong settings, wrong protocol."""
    SERVER_ERROR = "server error"
    """The endpoint failed while it answered."""
    NO_ANSWER = "no answer"
    """A deadline passed without an answer."""
    CLOCK_NOT_SET = "clock not set"
    """The endpoint could not be trusted, because this machine does not know the date."""
    OVER_BUDGET = "over budget"
    """The owner's own limit is reached, and no endpoint that costs nothing is there."""


class Status(Enum):
    """How a response ended (OpenAI's `response.status`)."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    INCOMPLETE = "incomplete"
    FAILED = "failed"


class Talker(Enum):
    """Whose words a transcript holds."""

    USER = "user"
    ASSISTANT = "assistant"


class PlayoutLevel(Enum):
    """How loud answers are, beside the volume."""

    FULL = 0
    DUCKED = 1
    """Quieter, so that a voice is heard better."""
    HELD = 2
    """Silent, and waiting at the very next sample."""


class Asker(Enum):
    """Who began what led to a tool call."""

    VOICE = "voice"
    TEXT = "text"
    """By the control socket."""
    WORD = "word"
    """A wake word that calls a tool."""


class Timer(Enum):
    """The core's timers; starting one replaces the running one of the same name."""

    PHASE = "phase"
    RINGING = "ringing"
    HOLD = "hold"
    ROLLOVER = "rollover"
    CONVERSATION = "conversation"
    SPARE = "spare"
    HEALTH = "health"
    ANNOUNCEMENT = "announcement"
    TAP = "tap"
    APPROVAL = "approval"
    WAITING = "waiting"
    MINUTE = "minute"
