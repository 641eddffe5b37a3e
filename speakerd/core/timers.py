"""Which timers run, and for how long: functions of the state. A new number is a new start."""

from __future__ import annotations

from typing import assert_never

from speakerd.core import derived
from speakerd.core import effects as do
from speakerd.core.events import Timer
from speakerd.core.state import Idle, State


def timers(before: State, after: State) -> list[do.Effect]:
    """What to do about timers between two states."""
    effects: list[do.Effect] = []
    running = numbers(before)
    for timer, number in numbers(after).items():
        if number == running[timer]:
            continue
        seconds = None if number is None else _seconds(after, timer)
        if number is None or seconds is None:
            effects.append(do.StopTimer(timer))
        else:
            effects.append(do.StartTimer(timer, number, seconds))
    return effects


def numbers(state: State) -> dict[Timer, int | None]:
    """The number of each timer; None where it does not run."""
    return {
        Timer.PHASE: None if isinstance(state.phase, Idle) else state.epoch,
        Timer.RINGING: state.rings if state.ringing else None,
        Timer.HOLD: derived.hold(state),
        Timer.ROLLOVER: derived.ageing(state),
        Timer.CONVERSATION: derived.root(state),
        Timer.SPARE: state.spare.session if state.spare else None,
        Timer.HEALTH: None if derived.check_seconds(state) is None else state.checks,
        Timer.ANNOUNCEMENT: state.announcing.number if state.announcing else None,
        Timer.APPROVAL: state.approval.number if state.approval else None,
        Timer.TAP: state.presses if state.is_tap else None,
        Timer.MINUTE: state.minutes if state.calls_lately else None,
        Timer.WAITING: state.waits if derived.is_waiting(state) else None,
    }


def _seconds(state: State, timer: Timer) -> float | None:
    """How long a timer takes that runs."""
    match timer:
        case Timer.PHASE:
            return derived.deadline_seconds(state)
        case Timer.RINGING:
            return state.rules.ringing_seconds
        case Timer.APPROVAL:
            return state.rules.approval_seconds
        case Timer.HOLD:
            return state.rules.hold_seconds
        case Timer.ROLLOVER:
            return state.rules.rollover_seconds
        case Timer.CONVERSATION:
            return state.rules.conversation_seconds
        case Timer.SPARE:
            return derived.spare_seconds(state)
        case Timer.HEALTH:
            return derived.check_seconds(state)
        case Timer.ANNOUNCEMENT:
            return derived.announcement_seconds(state)
        case Timer.MINUTE:
            return 60.0
        case Timer.WAITING:
            return state.rules.waiting_cue_seconds
        case Timer.TAP:
            return state.rules.tap_seconds
        case _:
            assert_never(timer)
