"""What a press means: one event for each button when it goes down, and for the action button when it comes up.

What the event does is decided in the core, by what goes on at that moment.
"""

from __future__ import annotations

from speakerd.core.events import ActionPressed, ActionReleased, Event, MutePressed
from speakerd.gpio.boards import Board

BOUNCE_SECONDS = 0.02
"""Contacts of a push button settle within a few milliseconds; nobody presses twice in twenty."""


def presses(board: Board) -> dict[int, Event]:
    """The event of each button's pin."""
    events: dict[int | None, Event] = {board.action_pin: ActionPressed(), board.mute_pin: MutePressed()}
    return {pin: event for pin, event in events.items() if pin is not None}


def releases(board: Board) -> dict[int, Event]:
    """The event of each button's pin that matters when it is let go."""
    return {} if board.action_pin is None else {board.action_pin: ActionReleased()}
