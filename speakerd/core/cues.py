"""The speaker's own short sounds, by what they say."""

from __future__ import annotations

from enum import Enum


class Cue(Enum):
    """A short local sound, needed most when nothing else works; never uplinked."""

    ACTIVATED = "activated"
    """The user is listened to from the end of this sound on; where our own sound is cancelled, from before it on."""
    END_OF_LISTENING = "end of listening"
    """Nobody spoke."""
    MUTED = "muted"
    UNMUTED = "unmuted"
    NO_NETWORK = "no network"
    BAD_KEY = "bad key"
    NO_CREDIT = "no credit"
    OVER_BUDGET = "over budget"
    """The owner's own limit is reached."""
    REFUSED = "refused"
    SERVER_ERROR = "server error"
    NO_ANSWER = "no answer"
    CLOCK_NOT_SET = "clock not set"
    NO_MICROPHONE = "no microphone"
    CONFIRM = "confirm"
    """Something waits for the owner's hand or word."""
    WAITING = "waiting"
    """A tool takes its time."""
    DONE = "done"
    """What a wake word asked a tool for is done."""
    FAILED = "failed"
    """What a wake word asked a tool for cannot be done."""
