"""The walk: every state that any order of events can reach, and what must be true in each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from functools import cache

import pytest

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.derived import deadline_seconds, hold, is_waiting, may_bill, playout_level
from speakerd.core.endpoints import FATAL, Down
from speakerd.core.lights import Light, light
from speakerd.core.policy import Verdict
from speakerd.core.state import (
    Active,
    Announcement,
    Approval,
    Card,
    Conversation,
    Held,
    Idle,
    Listening,
    Opening,
    Phase,
    Requested,
    Rules,
    Spare,
    Speaking,
    State,
    Thinking,
    Wake,
    conversation,
    session,
)
from speakerd.core.step import step
from speakerd.core.timers import numbers
from walks import BAD_KEY, CODE, FULL_DUPLEX, NO_NETWORK, WALKED, WALKS
from world import BEFORE, NOW, SPARE, World


def canonical(state: State) -> State:
    """Renumber the counters, so that states differ only in what decisions depend on."""
    spare = state.spare
    return replace(
        state,
        phase=_canonical_phase(state.phase),
        epoch=0,
        rings=0,
        holds=0,
        checks=0,
        presses=0,
        approval=None if state.approval is None else replace(state.approval, number=1),
        approvals=0,
        waits=0,
        minutes=0,
        pressed_for=1 if state.approval and state.approval.number == state.pressed_for else 0,
        announced=1,
        cues=_any_cue(state.cues),
        fault=on.Fault.NO_NETWORK if state.fault else None,
        sessions=SPARE,
        spare=None if spare is None else replace(spare, session=SPARE),
        announcing=None if state.announcing is None else Announcement(0, ""),
        announcements=tuple(Announcement(1, "") for _ in state.announcements[:1]),
        told_limits=frozenset(),
        down=_canonical_down(state),
    )


def _canonical_phase(phase: Phase) -> Phase:
    match phase:
        case Idle():
            return phase
        case Opening(resume=talk):
            # How often it was tried matters, and only the next number of a session.
            return replace(phase, session=NOW, resume=_canonical_talk(talk, BEFORE) if talk else None)
        case Speaking(talk=talk, overheard=Held() as held):
            return replace(phase, talk=_canonical_talk(talk, NOW), overheard=replace(held, number=0))
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk):
            return replace(phase, talk=_canonical_talk(talk, NOW))


def _canonical_down(state: State) -> tuple[Down, ...]:
    """Where there is no other endpoint, the one that failed is asked all the same."""
    if len(state.rules.endpoints) == 1:
        return ()
    return tuple(Down(failed.endpoint, BAD_KEY if failed.is_fatal else NO_NETWORK) for failed in state.down)


def _canonical_talk(talk: Conversation, number: int) -> Conversation:
    # Nothing but an empty transcript asks for the interrupter, and no walk has one. What was asked is counted, too.
    since_sample = 0 if (talk.since_sample or 0) > 0 else talk.since_sample
    talk = replace(talk, session=number, root=0, turns=0, since_sample=since_sample, interrupter=None, asked=())
    return replace(talk, notes=talk.notes[:1])


def _any_cue(cues: frozenset[do.Cue]) -> frozenset[do.Cue]:
    """What matters of cues is whether there are any."""
    return frozenset({do.Cue.MUTED}) if cues else cues


def transition(state: State, world: World, event: on.Event) -> tuple[State, World, list[do.Effect]]:
    """One step of state and world; checks the effects on the way."""
    after, effects = step(state, event)
    was_open, had_echo = world.sessions, world.echo
    world = world.hears_of(event)
    if isinstance(event, on.AnswerStarted) and do.StopPlayout() in effects:
        world = replace(world, echo=had_echo)  # not more than a click
    fired: set[on.Timer] = set()
    if isinstance(event, on.TimedOut) and numbers(state)[event.timer] == event.epoch:
        fired = {event.timer}
        world = replace(world, timers=world.timers - fired)
    if isinstance(event, on.SessionClosed) and event.session in was_open:
        effects = [e for e in effects if e != do.CloseSession(event.session) and not isinstance(e, do.CloseUplink)]
    for effect in effects:
        is_left_off = isinstance(effect, do.OpenUplink) and effect.since_sample == do.LEFT_OFF
        assert state.rules.full_duplex or not (is_left_off and world.echo), "our own voice is sent"
        if isinstance(effect, do.StopTimer):
            assert effect.timer in world.timers | fired, "stops what does not run"
        assert not isinstance(effect, do.RunTool) or _may_run(state, event, effect.name), "nobody approved it"
        world = world.after(effect)
    if isinstance(event, on.ToolCalled) and _calls_made(after) > _calls_made(state):
        called = [each for each in effects if getattr(each, "call_id", None) == event.call_id]
        assert len(called) == 1, "a call that is answered twice, or never"
    if isinstance(event, on.WakeWordHeard) and isinstance(state.phase, Idle):
        world = replace(world, waking=True)
    if isinstance(after.phase, Idle):
        world = replace(world, waking=False)
    if do.SetPlayoutLevel(do.PlayoutLevel.FULL) in effects and do.StopPlayout() in effects:
        back = effects.index(do.SetPlayoutLevel(do.PlayoutLevel.FULL))
        assert effects.index(do.StopPlayout()) < back, "what was held is heard again before it is stopped"
    return after, world, effects


def _may_run(state: State, event: on.Event, tool: str) -> bool:
    """Whether a tool may be run because of an event: a guarded one takes the owner's hand, or the code by his mouth."""
    guards = {rule.tool: rule.verdict for rule in state.rules.policy}
    waits = state.approval is not None and state.approval.tool == tool
    match event:
        case _ if tool not in guards:
            return True
        case on.ActionPressed() | on.ActionReleased():
            return waits
        case on.Transcribed(talker=on.Talker.USER, text=text):
            talk = conversation(state.phase)
            is_trusted = talk is not None and not talk.is_tainted
            return waits and is_trusted and text == CODE and guards[tool] is Verdict.CONFIRM
        case _:
            return False


def _calls_made(state: State) -> int:
    talk = conversation(state.phase)
    return talk.calls_made if talk else 0


def check(state: State, world: World) -> None:
    """The invariants of the design, in every state."""
    if state.approval is not None and state.approval.code:
        talk = conversation(state.phase)
        assert talk is None or not talk.is_tainted, "a code after strangers' words"
    idle = isinstance(state.phase, Idle)
    talk = conversation(state.phase)
    lost = talk is not None and talk.is_lost
    own = None if lost else session(state.phase)
    wanted = {number for number in (own, state.spare.session if state.spare else None) if number is not None}
    assert world.sessions == wanted, "a session without a phase, or a phase without a session"
    assert not lost or isinstance(state.phase, Speaking), "nobody looks for a new session"
    assert world.timers == _wanted_timers(state), "something without a deadline, or a timer for nothing"
    assert (deadline_seconds(state) is None) == idle
    assert (world.announcing is None) == (state.announcing is None)
    assert world.announcing is None or idle, "announces during a conversation"
    assert world.facts is None or world.facts == own, "facts for nobody"
    assert world.capture == (not state.muted and not state.stopping), "the microphone's stream does not follow mute"
    assert world.ringing == bool(state.ringing), "ringing without an end"
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
    assert (hold(state) is not None) == (world.level is do.PlayoutLevel.HELD)
    assert light(state) is not None
    assert not state.microphone_silent or (not state.muted and state.card is Card.UP), "nothing that could be dead"
    assert world.waking == (_wake(state) is not None), "a verdict that is never given, or a second one to come"
    match state.phase:
        case Listening(talk=talk):
            assert not isinstance(talk.response, Requested | Active), "listens while an answer is on its way"
            assert not talk.calls
            assert not talk.continuing
        case Thinking(talk=talk):
            assert talk.owes or talk.is_lost, "thinks about nothing"
        case Speaking(talk=talk, items=items):
            assert items
            assert not set(items) & talk.cut, "plays what was stopped"
        case Opening() | Idle():
            pass


def _wanted_timers(state: State) -> set[on.Timer]:
    talk = conversation(state.phase)
    needs = {
        on.Timer.PHASE: not isinstance(state.phase, Idle),
        on.Timer.RINGING: bool(state.ringing),
        on.Timer.HOLD: hold(state) is not None,
        on.Timer.ROLLOVER: _grows_old(state),
        on.Timer.CONVERSATION: talk is not None and not talk.is_too_long and state.rules.conversation_seconds > 0,
        on.Timer.SPARE: state.spare is not None,
        on.Timer.HEALTH: _waits_for_an_endpoint(state),
        on.Timer.ANNOUNCEMENT: state.announcing is not None,
        on.Timer.TAP: state.is_tap,
        on.Timer.WAITING: is_waiting(state),
        on.Timer.MINUTE: state.calls_lately > 0,
        on.Timer.APPROVAL: state.approval is not None,
    }
    return {timer for timer, is_needed in needs.items() if is_needed}


def _grows_old(state: State) -> bool:
    match state.phase:
        case Idle():
            return state.spare is not None and state.spare.is_ready
        case Opening():
            return False
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk):
            return not (talk.is_lost or talk.is_old)


def _waits_for_an_endpoint(state: State) -> bool:
    if state.spare is not None and state.spare.is_probe:
        return False
    may_return = [failed.endpoint for failed in state.down if failed.fault not in FATAL]
    return any(may_bill(state) or not state.rules.endpoints[endpoint].bills for endpoint in may_return)


def _wake(state: State) -> Wake | None:
    match state.phase:
        case Opening(wake=wake, resume=None):
            return wake
        case Opening(resume=talk):
            return talk.wake if talk else None
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
        case on.ToolFinished() | on.UplinkClosed() | on.Spent():
            return True
    # Of a session that is gone nothing is told.
    number = getattr(event, "session", None)
    return number not in (NOW, SPARE) or number in world.sessions


@dataclass(frozen=True)
class Walk:
    """What some events lead to, in any order and number."""

    reached: frozenset[tuple[State, World]]
    arrows: frozenset[tuple[str, str, str]]
    """From one phase to another, and by what kind of event."""


def walk(rules: Rules, events: list[on.Event]) -> Walk:
    """Every (state, world) that these events can reach; each is checked on the way.

    Where no cue ends among them, each ends at once.
    """
    start = (canonical(State(rules)), World())
    reached = {start}
    arrows = set[tuple[str, str, str]]()
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
            here, there = type(state.phase), type(after.phase)
            if here is not there:
                arrows.add((here.__name__, there.__name__, type(event).__name__))
            if cues_end_at_once:
                for cue in next_world.cues:
                    after, next_world, _ = transition(after, next_world, on.CueEnded(cue))
            check(after, next_world)
            assert effects.count(do.CreateResponse(NOW)) <= 1
            node = (canonical(after), _renumbered(after, next_world))
            if node not in reached:
                reached.add(node)
                queue.append(node)
    return Walk(frozenset(reached), frozenset(arrows))


@cache
def walked(rules: Rules, which: str) -> Walk:
    """One of the WALKS."""
    return walk(rules, WALKS[which])


def _renumbered(state: State, world: World) -> World:
    """The world in which sessions have the numbers that `canonical` gives them."""
    spare = state.spare.session if state.spare else None
    sessions = frozenset(SPARE if number == spare else NOW for number in world.sessions)
    talk = conversation(state.phase)
    past = None
    if talk is not None and (talk.is_lost or isinstance(state.phase, Opening)):
        past = NOW if talk.is_lost else BEFORE
    uplink, facts = (None if number is None else NOW for number in (world.uplink, world.facts))
    announcing = None if world.announcing is None else 0
    # It begins anew when the uplink is closed, and matters in half duplex alone.
    echo = world.echo and world.uplink is None and not state.rules.full_duplex
    cues = _any_cue(world.cues)
    timers = world.timers if _canonical_down(state) else world.timers - {on.Timer.HEALTH}
    return replace(
        world,
        timers=timers,
        sessions=sessions,
        past=past,
        uplink=uplink,
        facts=facts,
        announcing=announcing,
        cues=cues,
        echo=echo,
    )


@pytest.mark.parametrize(
    ("rules", "which"),
    WALKED,
    ids=[f"full_duplex={r.full_duplex}, own turns and cues={r.turn_cues}: {which}" for r, which in WALKED],
)
def test_every_reachable_state_keeps_the_invariants(rules: Rules, which: str) -> None:
    reached = walked(rules, which).reached
    assert {type(state.phase) for state, _ in reached} == {Idle, Opening, Listening, Thinking, Speaking}
    for state, world in reached:
        after, next_world = state, world
        for _ in range(1 + len(rules.endpoints)):
            after, next_world, _ = transition(after, next_world, on.TimedOut(on.Timer.PHASE, after.epoch))
        assert isinstance(after.phase, Idle), f"{state} is not left by its deadlines"
        assert NOW not in next_world.sessions
        if (number := hold(state)) is not None:
            after, next_world, _ = transition(state, world, on.TimedOut(on.Timer.HOLD, number))
            assert next_world.level is do.PlayoutLevel.FULL, f"{state} is held on by its timer"
        if state.approval is not None and not state.stopping:
            after, _, _ = transition(state, world, on.TimedOut(on.Timer.APPROVAL, state.approval.number))
            assert after.approval is None, f"{state} waits for ever"


def test_every_light_is_reached() -> None:
    lights = {light(state) for way in WALKED for state, _ in walked(*way).reached}
    alike = {Light.NO_CREDIT, Light.REFUSED, Light.SERVER_ERROR, Light.NO_ANSWER, Light.CLOCK_NOT_SET}
    assert lights == set(Light) - alike


ON_AIR = frozenset({NOW})
AGES = frozenset({on.Timer.PHASE, on.Timer.ROLLOVER})
HELD_FOR_EVER = World(ON_AIR, uplink=NOW, timers=AGES, level=do.PlayoutLevel.HELD)


def test_the_walk_can_fail() -> None:
    """A state that breaks a rule is caught: the checks are not empty."""
    talk = Conversation(NOW, Active("r1"))
    for broken, world in (
        (State(phase=Idle()), World(ON_AIR)),
        (State(phase=Listening(talk)), World(ON_AIR, timers=AGES)),
        (State(phase=Listening(Conversation(NOW))), World(ON_AIR, timers=AGES - {on.Timer.ROLLOVER})),
        (State(phase=Listening(Conversation(NOW, is_lost=True))), World(timers=frozenset({on.Timer.PHASE}))),
        (State(spare=Spare(SPARE, 0, is_probe=False)), World()),
        (State(announcing=Announcement(0, "hello")), World()),
        (State(down=(Down(0, on.Fault.NO_NETWORK),)), World()),
        (State(phase=Idle(), muted=True), World()),
        (State(phase=Idle(), microphone_silent=True, card=Card.DOWN), World()),
        (State(phase=Listening(Conversation(NOW))), World(ON_AIR, timers=AGES, waking=True)),
        (State(phase=Speaking(talk, ("i1",), Held(0))), World(ON_AIR, timers=AGES | {on.Timer.HOLD})),
        (State(phase=Speaking(talk, ("i1",))), World(ON_AIR, timers=AGES, level=do.PlayoutLevel.DUCKED)),
        (State(cues=frozenset({do.Cue.MUTED})), World()),
        (State(failure_untold=True), World()),
        (State(approval=Approval(1, "garage", "{}", "")), World()),
        (
            State(phase=Listening(Conversation(NOW, is_tainted=True)), approval=Approval(1, "unlock", "{}", CODE)),
            World(ON_AIR, timers=AGES | {on.Timer.APPROVAL}),
        ),
        (State(rules=FULL_DUPLEX, phase=Speaking(talk, ("i1",), Held(0))), HELD_FOR_EVER),
    ):
        with pytest.raises(AssertionError):
            check(broken, world)
