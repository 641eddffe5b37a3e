"""What the LED says: a function of state, never a command."""

from __future__ import annotations

from enum import Enum


class Light(Enum):
    """One value for each thing that the owner should see from across the room."""

    STARTING = "starting"
    IDLE = "idle"
    OPENING = "opening"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    MUTED = "muted"
    RINGING = "ringing"
    NO_SOUND = "no sound"
    NO_NETWORK = "no network"
    BAD_KEY = "bad key"
    NO_CREDIT = "no credit"
    REFUSED = "refused"
    SERVER_ERROR = "server error"
    NO_ANSWER = "no answer"
    STOPPING = "stopping"
