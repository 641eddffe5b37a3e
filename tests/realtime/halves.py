"""Both halves of the protocol without a network: our core and client, the offline server, and between them two queues.

Nothing happens by itself. A walk says what happens next: a message arrives, the brain gets on, sound is played, the
user speaks or presses, time runs out, the line breaks. `pump` lets everything go on for a while as it should.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass

from fault_words import BYTES_PER_MS, pcm_of
from halves_client import HalfLink, HalfSessions
from halves_server import HalfServer
from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.state import Idle, Opening, Rules, State, session
from speakerd.core.step import step
from speakerd.ports import ToolSpec
from speakerd.realtime.endpoint import Endpoint, TurnDetection
from speakerd.realtime.responses import Finish, Happening, Play, Unheard

TOOLS = (
    ToolSpec("clock", "Tells the time.", {"type": "object", "properties": {}}),
    ToolSpec("end_conversation", "Ends it.", {"type": "object", "properties": {}}),
)
SILENCE = bytes(900 * BYTES_PER_MS)


@dataclass
class _Playing:
    waiting: bytes = b""
    played: bytes = b""
    is_finished: bool = False


class Halves:
    """The whole speaker but for its devices, and the server that it talks to."""

    def __init__(self, rules: Rules) -> None:
        self.state = State(rules)
        turns = None if rules.local_turns else TurnDetection()
        self.sessions = HalfSessions(Endpoint("half", "ws://half", {}, "scripted", turns=turns))
        self.servers: dict[int, HalfServer] = {}
        self.heard: dict[str, bytes] = {}
        """What was played of each item that is over."""
        self.written: dict[str, str] = {}
        """The words of each item of the assistant, as far as we were told all of them."""
        self.said: list[str] = []
        """What the user said and wrote in this conversation."""
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
        if isinstance(event, on.Transcribed) and event.talker is on.Talker.ASSISTANT:
            self.written[event.item_id] = event.text
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
        self.said.append(words)
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
            now, item.waiting = item.waiting[:wanted], item.waiting[wanted:]
            item.played += now
            wanted -= len(now)
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
                if continues is None:
                    self.said = []
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
                self.said.append(text)
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

    def _tell(self, happening: Happening) -> None:
        match happening:
            case Play(item_id, pcm):
                self._playing.setdefault(item_id, _Playing()).waiting += pcm
            case Finish(item_id):
                if item := self._playing.get(item_id):
                    item.is_finished = True
            case Unheard():
                pass
            case _:
                self.post(happening)

    def _end(self, item_id: str, *, cut_short: bool) -> None:
        item = self._playing.pop(item_id)
        self.heard[item_id] = self.heard.get(item_id, b"") + item.played
        ended = on.PlayoutEnded(item_id, len(item.played) // BYTES_PER_MS, cut_short=cut_short)
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
