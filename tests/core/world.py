"""A shadow of the outside world, which follows the effects and complains when they make no sense."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from speakerd.core import effects as do
from speakerd.core import events as on

NOW, SPARE, BEFORE = 7, 8, 5
"""The numbers that sessions have in the walk: the conversation's, the spare one, and the one that a new one continues.
"""


@dataclass(frozen=True)
class World:
    """What the adapters would be doing, followed by carrying out the effects."""

    sessions: frozenset[int] = field(default_factory=frozenset)
    past: int | None = None
    """The session that a conversation had before: what is said to it still goes into its history."""
    uplink: int | None = None
    capture: bool = True
    timers: frozenset[on.Timer] = field(default_factory=frozenset)
    ringing: bool = False
    waking: bool = False
    """Whether the detector still waits for the verdict on an activation."""
    playing: frozenset[str] = field(default_factory=frozenset)
    level: do.PlayoutLevel = do.PlayoutLevel.FULL
    cues: frozenset[do.Cue] = field(default_factory=frozenset)
    announcing: int | None = None
    facts: int | None = None
    echo: bool = False
    """Whether an answer sounded since the uplink ended, or since it was marked."""

    def after(self, effect: do.Effect) -> World:
        match effect:
            case do.OpenSession(session=number, continues=continues):
                assert number not in self.sessions, "a number twice"
                return replace(self, sessions=self.sessions | {number}, past=continues or self.past)
            case do.CloseSession(session=number):
                assert number in self.sessions, "closes what is not open"
                return replace(self, sessions=self.sessions - {number}, facts=None)
            case do.JudgeWake():
                assert self.waking, "judges twice, or what was no activation"
                return replace(self, waking=False)
            case do.RunTool(session=on.NO_SESSION):
                assert self.capture, "obeys a word while muted"
            case do.OpenUplink(session=number):
                assert self.uplink is None
                assert number in self.sessions, "audio for no session"
                assert self.capture, "audio while muted"
                return replace(self, uplink=number)
            case do.CloseUplink():
                assert self.uplink is not None
                return replace(self, uplink=None, echo=bool(self.playing))
            case do.OpenCapture():
                assert not self.capture
                return replace(self, capture=True)
            case do.CloseCapture():
                assert self.capture
                return replace(self, capture=False)
            case do.StartRinging():
                return replace(self, ringing=True)
            case do.StopRinging():
                assert self.ringing
                return replace(self, ringing=False)
            case do.StopPlayout():
                return replace(self, playing=frozenset())
            case do.SetPlayoutLevel(level=level):
                assert self.level is not level
                return replace(self, level=level)
            case do.StartTimer(timer=timer):
                return replace(self, timers=self.timers | {timer})
            case do.StopTimer(timer=timer):
                return replace(self, timers=self.timers - {timer})
            case do.TellFacts(session=number):
                assert number in self.sessions, "facts for no session"
                return replace(self, facts=number)
            case do.ForgetFacts(session=number):
                assert self.facts == number, "forgets what was not told"
                return replace(self, facts=None)
            case do.SendText() | do.CommitUtterance() | do.CreateResponse() | do.CancelResponse() | do.RunTool():
                assert effect.session in self.sessions, "speaks to a session that is not open"
            case do.SendToolOutput() | do.TruncateItem() | do.DeleteItem():
                assert effect.session in self.sessions | {self.past}, "speaks to a session that nobody remembers"
            case do.PlayCue(cue=cue):
                assert cue not in self.cues, "a cue on top of itself"
                return replace(self, cues=self.cues | {cue})
            case do.Announce(number=number):
                assert self.announcing is None, "two sentences at once"
                return replace(self, announcing=number)
            case do.StopAnnouncing(number=number):
                assert self.announcing == number
                return replace(self, announcing=None)
            case do.MarkUplink():
                assert self.uplink is None, "what is open has its own end"
                return replace(self, echo=bool(self.playing))
            case do.SendNote():
                assert effect.session in self.sessions, "notes for nobody"
            case do.CancelTool(call_id=call_id):
                assert not call_id.startswith("approved"), "ends what the owner approved"
            case do.RefuseAsk() | do.Exit() | do.NoteDecision():
                pass
        return self

    def hears_of(self, event: on.Event) -> World:
        """What the event itself says about the world."""
        match event:
            case on.SessionClosed(session=number) if number in self.sessions:
                is_heard = self.uplink == number
                uplink, echo = (None, bool(self.playing)) if is_heard else (self.uplink, self.echo)
                facts = None if self.facts == number else self.facts
                past = number if number == NOW else self.past
                sessions = self.sessions - {number}
                return replace(self, sessions=sessions, uplink=uplink, echo=echo, facts=facts, past=past)
            case on.AnswerStarted(item_id=item) if self.sessions:
                return replace(self, playing=self.playing | {item}, echo=True)
            case on.PlayoutEnded(item_id=item) if item == do.announcement_item(self.announcing or 0):
                return replace(self, announcing=None)
            case on.PlayoutEnded(item_id=item):
                return replace(self, playing=self.playing - {item})
            case on.CueEnded(cue=cue):
                return replace(self, cues=self.cues - {cue})
        return self
