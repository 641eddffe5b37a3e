"""What the LED says: a function of state, never a command."""

from __future__ import annotations

from enum import Enum

from speakerd.core.derived import may_bill
from speakerd.core.events import Fault
from speakerd.core.state import Card, Listening, Opening, Speaking, State, Thinking


class Light(Enum):
    """One value for each thing that the owner should see from across the room; each Fault has the one of its name."""

    STARTING = "starting"
    IDLE = "idle"
    OPENING = "opening"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    MUTED = "muted"
    RINGING = "ringing"
    CONFIRM = "confirm"
    """Something waits for a press of the action button."""
    NO_SOUND = "no sound"
    NO_MICROPHONE = "no microphone"
    NO_NETWORK = "no network"
    BAD_KEY = "bad key"
    NO_CREDIT = "no credit"
    REFUSED = "refused"
    SERVER_ERROR = "server error"
    NO_ANSWER = "no answer"
    CLOCK_NOT_SET = "clock not set"
    OVER_BUDGET = "over budget"
    STOPPING = "stopping"


def light(state: State) -> Light:
    """The first reason that matches wins."""
    if state.stopping:
        return Light.STOPPING
    if state.ringing:
        return Light.RINGING
    if state.approval is not None:
        return Light.CONFIRM
    match state.phase:
        case Opening():
            return Light.OPENING
        case Listening():
            return Light.LISTENING
        case Thinking():
            return Light.THINKING
        case Speaking():
            return Light.SPEAKING
        case _:
            return _idle_light(state)


def _idle_light(state: State) -> Light:
    if state.card is Card.STARTING:
        return Light.STARTING
    if state.card is Card.DOWN:
        return Light.NO_SOUND
    if state.muted:
        return Light.MUTED
    if state.microphone_silent:
        return Light.NO_MICROPHONE
    fault = state.fault or _fault_of_the_first(state)
    if fault is not None:
        return Light(fault.value)
    return Light.SPEAKING if state.announcing else Light.IDLE


def _fault_of_the_first(state: State) -> Fault | None:
    """Why another endpoint than the owner's first choice would serve."""
    first = state.rules.endpoints[0]
    for failed in state.down:
        if failed.endpoint == 0:
            return failed.fault
    return Fault.OVER_BUDGET if first.bills and not may_bill(state) else None
