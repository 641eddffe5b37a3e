"""The client half without its sockets: what `link` and `session` do with the pure pieces, message by message.

Frames that are sent wait in `sent`; whoever plays the network hands them on, or loses them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from speakerd.core import events
from speakerd.ports import ToolSpec
from speakerd.realtime import messages, messages_decode, messages_items, messages_setup, received
from speakerd.realtime.endpoint import Endpoint
from speakerd.realtime.memory import Memory
from speakerd.realtime.messages import ClientEvent
from speakerd.realtime.requests import Requests
from speakerd.realtime.responses import Happening, Responses, Unheard
from speakerd.realtime.told import Told

FACTS = "it is so late"


@dataclass
class HalfLink:
    """One session."""

    session: int
    endpoint: Endpoint
    memory: Memory
    resend: bool
    sent: deque[str] = field(default_factory=deque)
    is_up: bool = False

    def __post_init__(self) -> None:
        self.responses = Responses(self.session)
        self._requests = Requests(self.endpoint)
        self._told = Told(self.session, {})
        self._numbered = 0

    def set_up(self, tools: Sequence[ToolSpec]) -> ClientEvent:
        return messages.session_update(messages_setup.session(self.endpoint, tools))

    def begin(self) -> None:
        """The server has taken the set-up: tell what was said before, send again what was not answered."""
        self.is_up = True
        said, pcm = self.memory.begin(resend=self.resend)
        self._told = Told(self.session, said)
        self._requests.retold(self.send_all(self._told.all_said()))
        if pcm:
            self.append(pcm)

    def append(self, pcm: bytes) -> None:
        self.memory.unanswered.sent(pcm)
        self.send(messages.append_audio(pcm))

    def send(self, event: ClientEvent) -> str:
        self._numbered += 1
        event_id = f"c{self.session}_{self._numbered}"
        if self.is_up:
            self.sent.append(messages.encode(event, event_id))
        return event_id

    def send_all(self, several: Sequence[ClientEvent]) -> set[str]:
        return {self.send(event) for event in several}

    def commit(self) -> None:
        self.memory.unanswered.stopped("")
        self.send(messages.commit_audio())

    def ask(self, *, aloud: bool, resume: bool) -> None:
        instructions = "go on" if resume else ""
        self._requests.asked(self.send(messages.create_response(aloud=aloud, instructions=instructions)))

    def cancel(self, response_id: str) -> None:
        self.responses.cancel(response_id)
        self.memory.unanswered.answered(response_id)
        self.send(messages.cancel_response(response_id))

    def truncate(self, item_id: str, played_ms: int) -> None:
        if item_id in self._told:
            self.send_all(self._told.revise(item_id, self.memory.history.said(item_id)))
        elif (end_ms := self.responses.truncation_ms(item_id, played_ms)) is not None:
            self.send(messages.truncate_item(item_id, end_ms))

    def delete(self, item_id: str) -> None:
        if item_id in self._told:
            self.send_all(self._told.revise(item_id, self.memory.history.said(item_id)))
        else:
            self.send(messages.delete_item(item_id))

    def tell_facts(self) -> None:
        self.send_all(self._told.tell_facts(FACTS))

    def forget_facts(self) -> None:
        self.send_all(self._told.forget_facts())

    def text(self, text: str) -> None:
        self.send(messages_items.told(self.memory.history.add_text(text)))

    def output(self, call_id: str, output: str) -> None:
        self.send(messages.tool_output(call_id, output))

    def take(self, frame: str, tell: Callable[[Happening], None]) -> None:
        """A frame arrived: tell what it means."""
        message = messages_decode.decode(frame)
        if isinstance(message, received.ErrorReported):
            assert self._requests.ending(message) is None, f"the session ends: {message.code}"
            if self._requests.is_refused(message):
                tell(events.ResponseRefused(self.session))
        if isinstance(message, received.ResponseCreated):
            self._requests.created()
        self.memory.take(message)
        for happening in self.responses.take(message):
            self.memory.keep(happening)
            if isinstance(happening, Unheard):
                self.memory.history.delete(happening.item_id)
                self.delete(happening.item_id)
            tell(happening)


@dataclass
class HalfSessions:
    """All of them; at most one is talked in."""

    endpoint: Endpoint
    links: dict[int, HalfLink] = field(default_factory=dict)
    _memories: dict[int, Memory] = field(default_factory=dict)

    def open(self, session: int, continues: int | None, *, resend: bool) -> None:
        memory = self._memories.get(continues) if continues is not None else None
        if memory is None:
            memory = Memory(session, session)
        memory.session = session
        self._memories[session] = memory
        self.links[session] = HalfLink(session, self.endpoint, memory, resend)

    def close(self, session: int) -> None:
        self.links.pop(session, None)

    def memory(self, session: int) -> Memory:
        return self._memories[session]

    def latest(self, session: int) -> HalfLink | None:
        """The link of the session that continues this one, or of this one itself."""
        memory = self._memories.get(session)
        return self.links.get(memory.session) if memory else None
