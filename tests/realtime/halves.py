"""Both halves of the protocol without a network: our core and client, the offline server, and between them two queues.

Nothing happens by itself. A walk says what happens next: a message arrives, the brain gets on, sound is played, the user
speaks or presses, time runs out, the line breaks. `pump` lets everything go on for a while as it should.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from fault_mind import ANSWERS, REPORT, SORRY, Endpointer
from fault_words import BYTES_PER_MS, pcm_of, words_in
from halves_client import HalfLink, HalfSessions
from speakerd.audio.utterances import SpeechOver
from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.state import Idle, Opening, Rules, State, session
from speakerd.core.step import step
from speakerd.offline.brain import Say
from speakerd.offline.protocol import SessionProtocol
from speakerd.offline.protocol_effects import (
    Effect,
    Listen,
    Outputs,
    Send,
    Speak,
    StartEndpointing,
    Stop,
    StopEndpointing,
    Think,
    Transcribe,
)
from speakerd.ports import ToolSpec
from speakerd.realtime.endpoint import Endpoint, TurnDetection
from speakerd.realtime.responses import Finish, Play

Wire = dict[str, Any]

TOOLS = (
    ToolSpec("clock", "Tells the time.", {"type": "object", "properties": {}}),
    ToolSpec("end_conversation", "Ends it.", {"type": "object", "properties": {}}),
)
SILENCE = bytes(900 * BYTES_PER_MS)
_PIECE_BYTES = 200 * BYTES_PER_MS


@dataclass
class HalfServer:
    """One session of the server, with a brain that answers when it is told to."""

    number: int
    sent: deque[str] = field(default_factory=deque)
    work: list[Transcribe | Think | Speak] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    active: str | None = None
    outputs: dict[str, int] = field(default_factory=dict)
    """How often each call was answered."""
    _endpointer: Endpointer | None = None
    _unspoken: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.protocol = SessionProtocol(
            token=f"t{self.number}x", model="scripted", voice="marin", silence_ms=700, expires_at=1_900_000_000
        )

    @property
    def items(self) -> dict[str, Any]:
        """The conversation."""
        return {item.item_id: item for item in self.protocol._conversation.items}

    def take(self, frame: str) -> None:
        event = json.loads(frame)
        if event["type"] == "conversation.item.create" and event["item"]["type"] == "function_call_output":
            call_id = event["item"]["call_id"]
            self.outputs[call_id] = self.outputs.get(call_id, 0) + 1
        self.do(self.protocol.receive(frame))

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(event):
                    self._follow(event)
                    self.sent.append(json.dumps(event))
                case StartEndpointing(silence_ms=silence_ms):
                    self._endpointer = Endpointer(silence_ms)
                case StopEndpointing():
                    self._endpointer = None
                case Listen(pcm):
                    self._listen(pcm)
                case Transcribe() | Think() | Speak():
                    self.work.append(effect)
                case Stop(response_id):
                    self.work = [each for each in self.work if getattr(each, "response_id", "") != response_id]

    def get_on(self, which: int) -> None:
        """The brain does a piece of its work."""
        if not self.work:
            return
        effect = self.work[which % len(self.work)]
        match effect:
            case Transcribe(item_id, pcm):
                self.work.remove(effect)
                self.do(self.protocol.transcribed(item_id, words_in(pcm)))
            case Think(response_id, question):
                self.work.remove(effect)
                words = REPORT if isinstance(question, Outputs) else ""
                parts = [Say(REPORT)] if words else ANSWERS.get(getattr(question, "text", ""), [Say(SORRY)])
                self.do(self.protocol.thought(response_id, parts))
            case Speak(response_id, text):
                self._speak(effect, response_id, text)

    def fail(self) -> None:
        """The active response fails."""
        if self.active is not None:
            self.do(self.protocol.failed(self.active, "no"))

    def _speak(self, effect: Speak, response_id: str, text: str) -> None:
        rest = self._unspoken.get(response_id)
        rest = pcm_of(text) if rest is None else rest
        piece, rest = rest[:_PIECE_BYTES], rest[_PIECE_BYTES:]
        if piece:
            self._unspoken[response_id] = rest
            self.do(self.protocol.spoke(response_id, piece))
        else:
            self._unspoken.pop(response_id, None)
            self.work.remove(effect)
            self.do(self.protocol.spoken(response_id))

    def _listen(self, pcm: bytes) -> None:
        for found in self._endpointer.feed(pcm) if self._endpointer else ():
            over = isinstance(found, SpeechOver)
            self.do((self.protocol.speech_over if over else self.protocol.speech_began)(found.at_ms))

    def _follow(self, event: Any) -> None:
        match event["type"]:
            case "response.created":
                assert self.active is None, "two responses at once"
                self.active = event["response"]["id"]
            case "response.done":
                assert self.active == event["response"]["id"]
                self.active = None
            case "error":
                self.errors.append(event["error"]["code"])


@dataclass
class _Playing:
    waiting: int = 0
    played: int = 0
    is_finished: bool = False


class Halves:
    """The whole speaker but for its devices, and the server that it talks to."""

    def __init__(self, rules: Rules) -> None:
        self.state = State(rules)
        turns = None if rules.local_turns else TurnDetection()
        self.sessions = HalfSessions(Endpoint("half", "ws://half", {}, "scripted", turns=turns))
        self.servers: dict[int, HalfServer] = {}
        self.heard: dict[str, int] = {}
        """Bytes that were played of each item that is over."""
        self.running: dict[str, int] = {}
        """Tool calls, and in which session they were made."""
        self.finished: set[str] = set()
        self.timers: dict[on.Timer, int] = {}
        self.uplink: int | None = None
        self._playing: dict[str, _Playing] = {}
        self._inbox: deque[on.Event] = deque()
        self._sample = 100_000
        self.post(on.CardFound())

    # What the walk can let happen

    def post(self, event: on.Event) -> None:
        """Something happens; what follows at once happens, too."""
        self._inbox.append(event)
        while self._inbox:
            self.state, effects = step(self.state, self._inbox.popleft())
            for effect in effects:
                self._carry_out(effect)

    def wake(self) -> None:
        self._sample += 50_000
        if not self.state.muted:
            self.post(on.WakeWordHeard("hey_jarvis", 0.9, self._sample))

    def say(self, words: str) -> None:
        """The user speaks, and is silent again; where the microphone is closed nobody hears it."""
        if self.uplink is None or (link := self.sessions.latest(self.uplink)) is None:
            return
        self._sample += 50_000
        self.post(on.UtteranceBegan(self.uplink, self._sample))
        link.append(pcm_of(words) + SILENCE)
        if self.uplink is not None:
            self.post(on.UtteranceEnded(self.uplink, self._sample + 20_000))

    def connect(self) -> None:
        """The session that is to be opened is up."""
        link = self._opening()
        if link is None:
            return
        server = self.servers[link.session] = HalfServer(link.session)
        server.do(server.protocol.begin())
        server.take(json.dumps(dict(link.set_up(TOOLS)), default=dict))
        assert not server.errors
        server.sent.clear()
        link.begin()
        self.post(on.SessionOpened(link.session))

    def refuse(self) -> None:
        """The session that is to be opened cannot be."""
        if (link := self._opening()) is not None:
            self.sessions.close(link.session)
            self.post(on.SessionClosed(link.session, on.Fault.NO_NETWORK, "no"))

    def cut(self) -> None:
        """The line breaks, and what was under way is lost."""
        for link in list(self.sessions.links.values()):
            if link.is_up:
                for happening in link.responses.finish_all():
                    self._tell(happening)
                self.sessions.close(link.session)
                self.post(on.SessionClosed(link.session, on.Fault.NO_NETWORK, "gone"))

    def send(self) -> None:
        """One of our messages arrives at the server."""
        for link in list(self.sessions.links.values()):
            if link.sent:
                self.servers[link.session].take(link.sent.popleft())

    def receive(self) -> None:
        """One of the server's messages arrives."""
        for link in list(self.sessions.links.values()):
            server = self.servers.get(link.session)
            if server is not None and server.sent:
                link.take(server.sent.popleft(), self._tell)

    def get_on(self, which: int = 0) -> None:
        for session_number in list(self.sessions.links):
            if session_number in self.servers:
                self.servers[session_number].get_on(which)

    def fail(self) -> None:
        for session_number in list(self.sessions.links):
            if session_number in self.servers:
                self.servers[session_number].fail()

    def play(self, milliseconds: int) -> None:
        """So much sound leaves the loudspeaker."""
        wanted = milliseconds * BYTES_PER_MS
        while self._playing and self.state.phase is not None:
            item_id, item = next(iter(self._playing.items()))
            now = min(wanted, item.waiting)
            item.waiting -= now
            item.played += now
            wanted -= now
            if item.waiting or not item.is_finished:
                return
            self._end(item_id, cut_short=False)

    def finish_tool(self, which: int = 0) -> None:
        if self.running:
            call_id = sorted(self.running)[which % len(self.running)]
            self.post(on.ToolFinished(self.running.pop(call_id), call_id, "noon"))
            self.finished.add(call_id)

    def run_out(self, timer: on.Timer) -> None:
        """A timer runs out, if it runs."""
        if timer in self.timers:
            self.post(on.TimedOut(timer, self.timers.pop(timer)))

    def pump(self, rounds: int) -> None:
        """Everything goes on as it should."""
        for _ in range(rounds):
            self.connect()
            self.send()
            for _ in range(4):
                self.receive()
            self.get_on()
            self.finish_tool()
            self.play(100)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is under way."""
        servers = [self.servers[number] for number in self.sessions.links if number in self.servers]
        under_way = [server.sent or server.work for server in servers]
        waiting = [link.sent for link in self.sessions.links.values()]
        return not (any(under_way) or any(waiting) or self._playing or self.running or self._opening())

    # What the core wants

    def _carry_out(self, effect: do.Effect) -> None:
        match effect:
            case do.OpenSession(session=number, continues=continues, resend=resend):
                self.sessions.open(number, continues, resend=resend)
            case do.CloseSession(session=number):
                self.sessions.close(number)
            case do.StartTimer(timer=timer, epoch=epoch):
                self.timers[timer] = epoch
            case do.StopTimer(timer=timer):
                self.timers.pop(timer, None)
            case do.OpenUplink(session=number):
                self.uplink = number
            case do.CloseUplink() if self.uplink is not None:
                self._inbox.append(on.UplinkClosed(self.uplink))
                self.uplink = None
            case do.StopPlayout():
                for item_id in list(self._playing):
                    self._end(item_id, cut_short=True)
            case do.PlayCue(cue=cue):
                self._inbox.append(on.CueEnded(cue))
            case do.Announce(number=number):
                self._inbox.append(on.PlayoutEnded(do.announcement_item(number), 0, cut_short=False))
            case do.RunTool(session=number, call_id=call_id):
                assert call_id not in self.running, "a call twice at once"
                assert call_id not in self.finished, "a call twice"
                self.running[call_id] = number
            case _:
                self._tell_session(effect)

    def _tell_session(self, effect: do.Effect) -> None:
        number = getattr(effect, "session", None)
        link = None if number is None else self.sessions.links.get(number)
        match effect:
            case do.SendToolOutput(session=told, call_id=call_id, output=output):
                self.sessions.memory(told).history.add_output(call_id, output)
                if latest := self.sessions.latest(told):
                    latest.output(call_id, output)
            case do.TruncateItem(session=told, item_id=item_id, played_ms=played_ms):
                self.sessions.memory(told).history.cut(item_id, played_ms)
                if latest := self.sessions.latest(told):
                    latest.truncate(item_id, played_ms)
            case do.DeleteItem(session=told, item_id=item_id):
                self.sessions.memory(told).history.delete(item_id)
                if latest := self.sessions.latest(told):
                    latest.delete(item_id)
            case do.SendText(text=text) if link:
                link.text(text)
            case do.CommitUtterance() if link:
                link.commit()
            case do.CreateResponse(aloud=aloud, resume=resume) if link:
                link.ask(aloud=aloud, resume=resume)
            case do.CancelResponse(response_id=response_id) if link:
                link.cancel(response_id)
            case do.TellFacts() if link:
                link.tell_facts()
            case do.ForgetFacts() if link:
                link.forget_facts()

    def _tell(self, happening: on.Event | Play | Finish) -> None:
        match happening:
            case Play(item_id, pcm):
                self._playing.setdefault(item_id, _Playing()).waiting += len(pcm)
            case Finish(item_id):
                if item := self._playing.get(item_id):
                    item.is_finished = True
            case _:
                self.post(happening)

    def _end(self, item_id: str, *, cut_short: bool) -> None:
        item = self._playing.pop(item_id)
        self.heard[item_id] = self.heard.get(item_id, 0) + item.played
        ended = on.PlayoutEnded(item_id, item.played // BYTES_PER_MS, cut_short=cut_short)
        # Within a step the player answers after it, as the real one does.
        if cut_short:
            self._inbox.append(ended)
        else:
            self.post(ended)

    def _opening(self) -> HalfLink | None:
        return next((link for link in self.sessions.links.values() if not link.is_up), None)


def talked_in(halves: Halves) -> int | None:
    """The session that is talked in."""
    return None if isinstance(halves.state.phase, Idle | Opening) else session(halves.state.phase)
