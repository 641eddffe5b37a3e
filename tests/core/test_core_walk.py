"""The walk: every state that any order of events can reach, and what must be true in each.

A small alphabet of ids is enough: what matters is whether an id is the current one, an older one or an unknown one.
A shadow of the outside world follows the effects and complains when they make no sense.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from functools import cache

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.derived import deadline_seconds, hold, playout_level
from speakerd.core.lights import Light, light
from speakerd.core.state import (
    END_CONVERSATION,
    Active,
    Card,
    Conversation,
    Held,
    Idle,
    Listening,
    Opening,
    Requested,
    Rules,
    Speaking,
    State,
    Thinking,
    Wake,
    session,
)
from speakerd.core.step import step
from speakerd.core.words import CallTool, Stop, WordAction

NOW = 7
"""The number that a living session has in the walk; a new one is renumbered to it."""
RULES = Rules(
    most_tool_calls=1, words=(WordAction("halt", Stop()), WordAction("light_on", CallTool("set_light", '{"on": true}')))
)


@dataclass(frozen=True)
class World:
    """What the adapters would be doing, followed by carrying out the effects."""

    session: int | None = None
    uplink: int | None = None
    capture: bool = True
    phase_timer: bool = False
    ring_timer: bool = False
    ringing: bool = False
    waking: bool = False
    """Whether the detector still waits for the verdict on an activation."""
    playing: frozenset[str] = field(default_factory=frozenset)
    level: do.PlayoutLevel = do.PlayoutLevel.FULL
    hold_timer: bool = False
    cues: frozenset[do.Cue] = field(default_factory=frozenset)

    def after(self, effect: do.Effect) -> World:
        match effect:
            case do.OpenSession(session=number):
                assert self.session is None, "two sessions at once"
                return replace(self, session=number)
            case do.CloseSession(session=number):
                assert self.session == number, "closes what is not open"
                return replace(self, session=None, waking=False)
            case do.JudgeWake():
                assert self.waking, "judges twice, or what was no activation"
                return replace(self, waking=False)
            case do.RunTool(session=on.NO_SESSION):
                assert self.capture, "obeys a word while muted"
            case do.OpenUplink(session=number):
                assert self.uplink is None
                assert self.session == number, "audio for no session"
                assert self.capture, "audio while muted"
                return replace(self, uplink=number)
            case do.CloseUplink():
                assert self.uplink is not None
                return replace(self, uplink=None)
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
            case do.StartTimer(timer=on.Timer.PHASE):
                return replace(self, phase_timer=True)
            case do.StopTimer(timer=on.Timer.PHASE):
                return replace(self, phase_timer=False)
            case do.StartTimer(timer=on.Timer.RINGING):
                return replace(self, ring_timer=True)
            case do.StopTimer(timer=on.Timer.RINGING):
                return replace(self, ring_timer=False)
            case do.StartTimer(timer=on.Timer.HOLD):
                return replace(self, hold_timer=True)
            case do.StopTimer(timer=on.Timer.HOLD):
                assert self.hold_timer
                return replace(self, hold_timer=False)
            case do.SendText() | do.SendToolOutput() | do.CommitUtterance() | do.CreateResponse() | do.RunTool():
                assert self.session == effect.session, "speaks to a session that is not open"
            case do.CancelResponse() | do.TruncateItem() | do.DeleteItem():
                assert self.session == effect.session, "speaks to a session that is not open"
            case do.PlayCue(cue=cue):
                assert cue not in self.cues, "a cue on top of itself"
                return replace(self, cues=self.cues | {cue})
            case do.RefuseAsk() | do.Exit():
                pass
        return self

    def hears_of(self, event: on.Event) -> World:
        """What the event itself says about the world."""
        match event:
            case on.SessionClosed(session=number) if number == self.session:
                return replace(self, session=None, uplink=None, waking=False)
            case on.AnswerStarted(item_id=item) if self.session is not None:
                return replace(self, playing=self.playing | {item})
            case on.PlayoutEnded(item_id=item):
                return replace(self, playing=self.playing - {item})
            case on.CueEnded(cue=cue):
                return replace(self, cues=self.cues - {cue})
        return self


EVENTS: list[on.Event] = [
    on.WakeWordHeard("hey_jarvis", 0.9, 50_000),
    on.WakeWordHeard("halt", 0.9, 50_000),
    on.WakeWordHeard("light_on", 0.9, 50_000),
    on.MicrophoneSilent("only zeros"),
    on.MicrophoneHeard(),
    on.ActionPressed(),
    on.MutePressed(),
    on.CardFound(),
    on.CardLost("unplugged"),
    on.TextAsked(1, "what time is it"),
    on.MuteAsked(True),
    on.MuteAsked(False),
    on.EndAsked(),
    on.WordsChanged(RULES.words),
    on.StopAsked(),
    on.SessionOpened(NOW),
    on.SessionOpened(NOW - 1),
    on.SessionClosed(NOW, on.Fault.NO_NETWORK, "gone"),
    on.SessionClosed(NOW - 1, on.Fault.BAD_KEY, "gone"),
    on.SpeechStarted(NOW, "u1"),
    on.SpeechStopped(NOW, "u1"),
    on.SpeechStopped(NOW - 1, "u1"),
    on.UtteranceBegan(NOW, 60_000),
    on.UtteranceEnded(NOW, 70_000),
    on.UtteranceEnded(NOW - 1, 70_000),
    on.VoiceHinted(60_000),
    on.VoiceHeard(60_000),
    on.VoiceGone(70_000),
    *(on.ResponseCreated(NOW, r) for r in ("r1", "r2")),
    *(on.AnswerStarted(NOW, r, i) for r in ("r1", "r2") for i in ("i1", "i2")),
    *(on.ToolCalled(NOW, "r1", c, "clock", "{}") for c in ("c1", "c2")),
    on.ToolCalled(NOW, "r2", "c2", "clock", "{}"),
    on.ToolCalled(NOW, "r1", "c1", END_CONVERSATION, "{}"),
    *(on.ToolFinished(NOW, c, "done") for c in ("c1", "c2")),
    *(on.ToolFinished(on.NO_SESSION, "wake-50000", output) for output in ("done", "error: no power")),
    *(on.ResponseEnded(NOW, r, on.Status.COMPLETED) for r in ("r1", "r2")),
    on.ResponseEnded(NOW, "r1", on.Status.CANCELLED),
    on.ResponseEnded(NOW, "r1", on.Status.FAILED, on.Fault.SERVER_ERROR),
    on.ResponseRefused(NOW),
    on.Transcribed(NOW, "u1", on.Talker.USER, "words"),
    *(on.PlayoutEnded(i, ms, cut) for i in ("i1", "i2") for ms, cut in ((0, True), (500, True), (900, False))),
    on.CueEnded(do.Cue.DONE),
    on.CueEnded(do.Cue.MUTED),
    on.AlarmRang("pasta"),
    on.TimedOut(on.Timer.PHASE, 0),
    on.TimedOut(on.Timer.PHASE, -1),
    on.TimedOut(on.Timer.RINGING, 0),
    on.TimedOut(on.Timer.HOLD, 0),
    on.TimedOut(on.Timer.HOLD, -1),
]


def canonical(state: State) -> State:
    """Renumber the counters, so that states differ only in what decisions depend on."""
    phase = state.phase
    match phase:
        case Opening():
            phase = replace(phase, session=NOW)
        case Listening() | Thinking() | Speaking():
            phase = replace(phase, talk=replace(phase.talk, session=NOW))
    if isinstance(phase, Speaking) and isinstance(phase.overheard, Held):
        phase = replace(phase, overheard=replace(phase.overheard, number=0))
    fault = on.Fault.NO_NETWORK if state.fault else None
    sessions = NOW - (session(phase) is None)
    cues = _any_cue(state.cues)
    return replace(state, phase=phase, epoch=0, rings=0, holds=0, cues=cues, fault=fault, sessions=sessions)


def _any_cue(cues: frozenset[do.Cue]) -> frozenset[do.Cue]:
    """What matters of cues is whether there are any."""
    return frozenset({do.Cue.MUTED}) if cues else cues


def transition(state: State, world: World, event: on.Event) -> tuple[State, World, list[do.Effect]]:
    """One step of state and world; checks the effects on the way."""
    after, effects = step(state, event)
    world = world.hears_of(event)
    if isinstance(event, on.SessionClosed):
        effects = [e for e in effects if not isinstance(e, do.CloseSession | do.CloseUplink)]
    for effect in effects:
        world = world.after(effect)
    if isinstance(event, on.WakeWordHeard) and any(isinstance(effect, do.OpenSession) for effect in effects):
        world = replace(world, waking=True)
    if do.SetPlayoutLevel(do.PlayoutLevel.FULL) in effects and do.StopPlayout() in effects:
        back = effects.index(do.SetPlayoutLevel(do.PlayoutLevel.FULL))
        assert effects.index(do.StopPlayout()) < back, "what was held is heard again before it is stopped"
    return after, world, effects


def check(state: State, world: World) -> None:
    """The invariants of the design, in every state."""
    idle = isinstance(state.phase, Idle)
    assert world.session == session(state.phase), "a session without a phase, or a phase without a session"
    assert world.phase_timer == (not idle), "a phase without a deadline"
    assert (deadline_seconds(state) is None) == idle
    assert world.capture == (not state.muted and not state.stopping), "the microphone's stream does not follow mute"
    assert world.ringing == bool(state.ringing) == world.ring_timer, "ringing without an end"
    assert world.uplink is None or not idle, "audio leaves while idle"
    assert world.uplink is None or not state.muted, "audio leaves while muted"
    assert state.stopping or world.cues == state.cues, "a cue that nobody knows of"
    if not state.rules.full_duplex:
        assert world.uplink is None or not world.playing, "the microphone hears the answer in half duplex"
        assert world.uplink is None or not world.cues, "the microphone hears the cue in half duplex"
    assert not state.failure_untold or (world.uplink is not None or state.stopping), "bad news that is never told"
    assert world.level is playout_level(state), "answers are not as loud as they should be"
    if world.level is not do.PlayoutLevel.FULL:
        assert isinstance(state.phase, Speaking), "ducked or held, and nothing is spoken"
        assert world.uplink is not None, "nobody hears whether the voice was one"
    assert world.hold_timer == (hold(state) is not None), "held without an end, or a timer for nothing"
    assert world.hold_timer == (world.level is do.PlayoutLevel.HELD)
    assert light(state) is not None
    assert not state.microphone_silent or (not state.muted and state.card is Card.UP), "nothing that could be dead"
    assert world.waking == (_wake(state) is not None), "a verdict that is never given, or a second one to come"
    match state.phase:
        case Listening(talk=talk):
            assert not isinstance(talk.response, Requested | Active), "listens while an answer is on its way"
            assert not talk.calls
            assert not talk.continuing
        case Thinking(talk=talk):
            assert talk.owes, "thinks about nothing"
        case Speaking(talk=talk, items=items):
            assert items
            assert not set(items) & talk.cut, "plays what was stopped"
        case Opening() | Idle():
            pass


def _wake(state: State) -> Wake | None:
    match state.phase:
        case Opening(wake=wake):
            return wake
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk):
            return talk.wake
        case Idle():
            return None


def sensible(state: State, event: on.Event, world: World) -> bool:
    """Leave out what no adapter can say: items and calls are new when they come, and only sounds that play end."""
    phase = state.phase
    talk = None if isinstance(phase, Idle | Opening) else phase.talk
    match event:
        case on.AnswerStarted(item_id=item, response_id=response_id):
            return (
                talk is not None
                and item not in world.playing | talk.cut
                and (not isinstance(state.phase, Speaking) or talk.response == Active(response_id))
            )
        case on.ToolCalled(call_id=call):
            return talk is not None and call not in talk.calls | talk.orphans
        case on.PlayoutEnded(item_id=item, cut_short=cut_short):
            if talk is None or item in talk.cut:
                return True
            return item in world.playing and not cut_short and isinstance(state.phase, Speaking)
        case on.WakeWordHeard():
            return not state.muted
    return True


def walk(rules: Rules, events: list[on.Event]) -> set[tuple[State, World]]:
    """Every (state, world) that these events can reach, in any order and number; each is checked on the way.

    Where no cue ends among them, each ends at once.
    """
    start = (canonical(State(rules)), World())
    reached = {start}
    queue = deque([start])
    cues_end_at_once = not any(isinstance(event, on.CueEnded) for event in events)
    while queue:
        state, world = queue.popleft()
        for event in events:
            if not sensible(state, event, world):
                continue
            after, next_world, effects = transition(state, world, event)
            if after is state and next_world is world:
                continue
            if cues_end_at_once:
                for cue in next_world.cues:
                    after, next_world, _ = transition(after, next_world, on.CueEnded(cue))
            check(after, next_world)
            assert effects.count(do.CreateResponse(NOW)) <= 1
            node = (canonical(after), _renumbered(next_world))
            if node not in reached:
                reached.add(node)
                queue.append(node)
    return reached


def _without(*words: str) -> list[on.Event]:
    return [event for event in EVENTS if not any(word in repr(event) for word in words)]


WALKS = {
    "cues that last, no calls": _without("'r2'", "'i2'", "'c1'", "'c2'", "SpeechSt", "Asked(True)", "Asked(False)"),
    "one of each id": _without("'r2'", "'i2'", "'c2'", "CueEnded"),
    "two of each id, no alarm": _without(
        *("AlarmRang", "RINGING", "TextAsked", "Mute", "Microphone", "CueEnded", "-50000")
    ),
}
FULL_DUPLEX = replace(RULES, full_duplex=True)
WALKED = [
    (RULES, "one of each id"),
    (RULES, "two of each id, no alarm"),
    (FULL_DUPLEX, "two of each id, no alarm"),
    (replace(RULES, local_turns=True, turn_cues=True), "cues that last, no calls"),
    (replace(FULL_DUPLEX, local_turns=True, turn_cues=True), "one of each id"),
]


@cache
def walked(rules: Rules, which: str) -> set[tuple[State, World]]:
    """What one of the WALKS reaches."""
    return walk(rules, WALKS[which])


def _renumbered(world: World) -> World:
    session, uplink = (None if number is None else NOW for number in (world.session, world.uplink))
    return replace(world, session=session, uplink=uplink, cues=_any_cue(world.cues))


@pytest.mark.parametrize(
    ("rules", "which"),
    WALKED,
    ids=[f"full_duplex={r.full_duplex}, own turns and cues={r.turn_cues}: {which}" for r, which in WALKED],
)
def test_every_reachable_state_keeps_the_invariants(rules: Rules, which: str) -> None:
    reached = walked(rules, which)
    assert {type(state.phase) for state, _ in reached} == {Idle, Opening, Listening, Thinking, Speaking}
    for state, world in reached:
        after, next_world, _ = transition(state, world, on.TimedOut(on.Timer.PHASE, state.epoch))
        assert isinstance(after.phase, Idle), f"{state} is not left by its deadline"
        assert next_world.session is None
        if (number := hold(state)) is not None:
            after, next_world, _ = transition(state, world, on.TimedOut(on.Timer.HOLD, number))
            assert next_world.level is do.PlayoutLevel.FULL, f"{state} is held on by its timer"


def test_every_light_is_reached() -> None:
    lights = {light(state) for state, _ in walked(*WALKED[0])}
    assert lights == set(Light) - {Light.BAD_KEY, Light.NO_CREDIT, Light.REFUSED, Light.SERVER_ERROR, Light.NO_ANSWER}


HELD_FOR_EVER = World(session=NOW, uplink=NOW, phase_timer=True, level=do.PlayoutLevel.HELD)


def test_the_walk_can_fail() -> None:
    """A state that breaks a rule is caught: the checks are not empty."""
    talk = Conversation(NOW, Active("r1"))
    for broken, world in (
        (State(phase=Idle()), World(session=NOW)),
        (State(phase=Listening(talk)), World(session=NOW, phase_timer=True)),
        (State(phase=Idle(), muted=True), World()),
        (State(phase=Idle(), microphone_silent=True, card=Card.DOWN), World()),
        (State(phase=Listening(Conversation(NOW))), World(session=NOW, phase_timer=True, waking=True)),
        (State(phase=Speaking(talk, ("i1",), Held(0))), World(session=NOW, phase_timer=True, hold_timer=True)),
        (State(phase=Speaking(talk, ("i1",))), World(session=NOW, phase_timer=True, level=do.PlayoutLevel.DUCKED)),
        (State(cues=frozenset({do.Cue.MUTED})), World()),
        (State(failure_untold=True), World()),
        (State(rules=FULL_DUPLEX, phase=Speaking(talk, ("i1",), Held(0))), HELD_FOR_EVER),
    ):
        with pytest.raises(AssertionError):
            check(broken, world)
