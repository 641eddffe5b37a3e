"""What a conversation keeps while its connections come and go. In memory only, and gone with the conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from speakerd.core import events
from speakerd.core.events import Status
from speakerd.realtime import received
from speakerd.realtime.history import History, Said
from speakerd.realtime.received import FunctionCall, ServerMessage
from speakerd.realtime.responses import Happening, Play
from speakerd.realtime.unanswered import Unanswered


class Retelling(NamedTuple):
    """What a new connection begins with."""

    said: dict[str, Said]
    """By the ids that the things were born with, in order."""
    pcm: bytes
    """Sound to send again, before any other."""


@dataclass(slots=True, eq=False)
class Memory:
    """One conversation's; it is handed on from session to session."""

    root: int
    """The session that it began with."""
    session: int
    """The one that has it now."""
    history: History = field(init=False)
    unanswered: Unanswered = field(default_factory=Unanswered)
    """What the present connection was sent."""

    def __post_init__(self) -> None:
        self.history = History(self.root)

    def begin(self, *, resend: bool) -> Retelling:
        """What to tell over a connection that is up now.

        What is sent again is heard anew and makes new items; else what was not answered stays so.
        """
        earlier, self.unanswered = self.unanswered, Unanswered()
        if resend:
            for item_id in earlier.item_ids:
                self.history.delete(item_id)
        return Retelling(self.history.replay(), earlier.pcm if resend else b"")

    def take(self, message: ServerMessage) -> None:
        """Note what the server says."""
        self.history.take(message)
        match message:
            case received.SpeechStarted(item_id, start_ms):
                self.unanswered.began(item_id, start_ms)
            case received.SpeechStopped(item_id, end_ms):
                self.unanswered.stopped(item_id, end_ms)
            case received.Committed(item_id):
                self.unanswered.stopped(item_id)
            case received.InputTranscribed(item_id) if item_id in self.unanswered.item_ids:
                self.unanswered.stopped(item_id)
            case received.ResponseCreated(response_id):
                self.unanswered.created(response_id)
            case received.ResponseDone(response_id, Status.COMPLETED | Status.INCOMPLETE):
                self.unanswered.answered(response_id)

    def keep(self, happening: Happening) -> None:
        """Note what the user is about to hear, and what is about to be done for him."""
        match happening:
            case Play(item_id, pcm):
                self.history.add_sound(item_id, len(pcm))
            case events.AnswerStarted(response_id=response_id):
                self.unanswered.answered(response_id)
            case events.ToolCalled(response_id=response_id, call_id=call_id, name=name, arguments=arguments):
                # Whatever a call did must not be done twice, so the words that it was made for are not sent again.
                self.unanswered.answered(response_id)
                self.history.add_call(FunctionCall(call_id, name, arguments))
