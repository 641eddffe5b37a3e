"""When the user speaks over an answer, as heard on the device: a hint ducks it, a voice holds it.

What is held is interrupted when the endpoint hears speech, too, or when the voice is still there after a while; else
it was nothing, and the answer goes on where it was. A short "stop!" is over before the endpoint has heard it, so the
end of a voice alone resumes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from speakerd.core import events as on
from speakerd.core.derived import uplinked
from speakerd.core.moves import Outcome, interrupt
from speakerd.core.state import Held, Hinted, Speaking, State

VoiceEvent = on.VoiceHinted | on.VoiceHeard | on.VoiceGone


def on_voice(state: State, event: VoiceEvent) -> Outcome:
    """Handle what the microphone hears over an answer that it may interrupt."""
    phase = state.phase
    if not isinstance(phase, Speaking) or uplinked(state) is None:
        return state, []
    match event, phase.overheard:
        case on.VoiceHinted(), None:
            return _overhear(state, phase, Hinted()), []
        case on.VoiceGone(), Hinted():
            return _overhear(state, phase, None), []
        case on.VoiceGone(), Held() as held:
            return _overhear(state, phase, replace(held, is_gone=True)), []
        case on.VoiceHeard(), Held(is_gone=True, is_renewed=False):
            return _hold(state, phase, is_renewed=True), []
        case on.VoiceHeard(), Held() as held:
            return _overhear(state, phase, replace(held, is_gone=False)), []
        case on.VoiceHeard(), _:
            return _hold(state, phase, is_renewed=False), []
        case _:
            return state, []


def on_hold_over(state: State, number: int) -> Outcome:
    """A hold has lasted long enough to tell what it was."""
    match state.phase:
        case Speaking(overheard=Held(number=current, is_gone=is_gone)) as phase if current == number:
            return (_overhear(state, phase, None), []) if is_gone else interrupt(state, phase)
        case _:
            return state, []


def _hold(state: State, phase: Speaking, *, is_renewed: bool) -> State:
    number = state.holds + 1
    return _overhear(replace(state, holds=number), phase, Held(number, is_renewed=is_renewed))


def _overhear(state: State, phase: Speaking, overheard: Hinted | Held | None) -> State:
    return replace(state, phase=replace(phase, overheard=overheard))
