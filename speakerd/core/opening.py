"""Sessions: how one is opened for a conversation, fails over, is opened again with its words, and is kept ready.

Each try has a number of its own, so that what an older one still says is known to be stale.
"""

from __future__ import annotations

from dataclasses import replace

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.approvals import distrust, result
from speakerd.core.budget import cap_reached
from speakerd.core.derived import another, choice, unreached, uplinked
from speakerd.core.endpoints import FATAL, without
from speakerd.core.moves import Outcome, announce, enter, fail, give_up, with_talk
from speakerd.core.sentences import limit_sentence
from speakerd.core.state import (
    HELD,
    RELEASED,
    Conversation,
    Idle,
    Listening,
    Opening,
    Requested,
    Spare,
    Speaking,
    State,
    Talking,
    Thinking,
    conversation,
)

_BACK_OFF_SECONDS = (0.1, 0.5, 1.5, 3.0)
_NOTHING_SPENT = on.Spent(on.NO_SESSION, "", 0, 0)


def open_conversation(state: State, wanted: Opening) -> Outcome:
    """Open the session of an activation or a text; `wanted` says all but session and endpoint."""
    endpoint = choice(state)
    if endpoint is None:
        return _refuse(state, wanted)
    spare, state = state.spare, replace(state, spare=None)
    if spare is not None and spare.endpoint == endpoint and not spare.is_probe:
        return enter(state, replace(wanted, session=spare.session, endpoint=endpoint)), []
    effects: list[do.Effect] = [] if spare is None else [do.CloseSession(spare.session)]
    number = state.sessions + 1
    opening = replace(wanted, session=number, endpoint=endpoint)
    return replace(enter(state, opening), sessions=number), [*effects, do.OpenSession(number, endpoint)]


def _refuse(state: State, wanted: Opening) -> Outcome:
    """Past the cap, and nobody is there who costs nothing: say so each time."""
    budget, spent = state.rules.budget, state.spent or _NOTHING_SPENT
    sentence = limit_sentence(cap_reached(budget, spent) or "", budget, spent, goes_on=False)
    if wanted.request is not None and not wanted.aloud:
        return state, [do.RefuseAsk(wanted.request, sentence)]
    state, effects = fail(announce(state, sentence), on.Fault.OVER_BUDGET)
    if wanted.request is not None:
        effects.append(do.RefuseAsk(wanted.request, sentence))
    return state, effects


def on_opening_failed(
    state: State, phase: Opening, fault: on.Fault, reason: str, *, closing: tuple[do.Effect, ...] = ()
) -> Outcome:
    """Try again, or the next endpoint, or give up; `closing` ends the try that took too long and is not repeated."""
    if fault not in FATAL and not closing and phase.tries < _most_tries(state, phase):
        # The deadline runs on: trying again may not take longer than waiting.
        number = state.sessions + 1
        again = replace(phase, session=number, tries=phase.tries + 1)
        wait = _BACK_OFF_SECONDS[min(again.tries, len(_BACK_OFF_SECONDS) - 1)]
        return replace(state, phase=again, sessions=number), [_open(again, wait, continues=phase.session)]
    return _open_elsewhere(give_up(state, phase.endpoint, fault), phase, fault, reason, closing)


def _open_elsewhere(
    state: State, phase: Opening, fault: on.Fault, reason: str, closing: tuple[do.Effect, ...]
) -> Outcome:
    instead = another(state, phase.endpoint)
    if instead is None:
        return fail(state, fault, reason)
    number = state.sessions + 1
    resume = replace(phase.resume, endpoint=instead) if phase.resume else None
    moved = replace(phase, session=number, endpoint=instead, tries=0, resume=resume)
    return replace(enter(state, moved), sessions=number), [*closing, _open(moved, 0.0, continues=phase.session)]


def open_for_nothing(state: State, phase: Opening) -> Outcome:
    """A limit was reached while a session opens: whoever costs nothing serves instead."""
    reason = "the limit on what may be spent is reached: see what `speakerd cost` says"
    return _open_elsewhere(state, phase, on.Fault.OVER_BUDGET, reason, (do.CloseSession(phase.session),))


def _most_tries(state: State, phase: Opening) -> int:
    """What goes on is worth more patience than a beginning, for which another endpoint is as good."""
    if phase.resume is not None:
        return state.rules.reopening_tries
    return 1 if another(state, phase.endpoint) is None else 0


def _open(phase: Opening, after_seconds: float, continues: int) -> do.OpenSession:
    if phase.resume is None:
        return do.OpenSession(phase.session, phase.endpoint, after_seconds=after_seconds)
    resend = _resends(phase.resume)
    return do.OpenSession(phase.session, phase.endpoint, continues, resend, after_seconds)


def _resends(talk: Conversation) -> bool:
    """Whether the user's last words must be sent again: nothing of an answer to them has come."""
    return not talk.typed and (talk.response is None or talk.unanswered)


def on_lost(
    state: State,
    phase: Talking,
    fault: on.Fault,
    reason: str,
    *,
    is_open: bool = False,
    is_hopeless: bool = False,
) -> Outcome:
    """The session of a conversation broke off: go on in another, once what was received of an answer is played."""
    talk = phase.talk
    endpoint, breaks = talk.endpoint, talk.breaks + 1
    if isinstance(phase, Speaking):
        # Nobody hears any more whether a voice over the answer was one.
        phase = replace(phase, overheard=None)
    if fault in FATAL or is_hopeless or breaks > state.rules.reopening_tries:
        # Or it breaks off whenever it is asked: each time would cost all that was said.
        state = give_up(state, endpoint, fault)
        instead = another(state, endpoint)
        if instead is None:
            talk = replace(talk, is_lost=not is_open)
            return fail(with_talk(state, phase, talk), fault, reason)
        endpoint, breaks, talk = instead, 1, replace(talk, retried=False)
    # Calls that still run bring about their own answer.
    # What sounds of an answer is played, and is all there is.
    waits = talk.owes and not (talk.calls or talk.continuing or isinstance(phase, Speaking))
    response = Requested() if waits else None
    talk = replace(talk, endpoint=endpoint, breaks=breaks, is_lost=True, response=response)
    return with_talk(state, phase, talk), [do.CloseSession(talk.session)] if is_open else []


def reopen(before: State, state: State, phase: Listening | Thinking) -> Outcome:
    """Go on with a conversation in a new session: the old one broke off, or grows too old."""
    talk, number = phase.talk, state.sessions + 1
    is_held = True if isinstance(phase, Listening) and phase.utterance == HELD else None
    # An answer that was asked for and cannot come any more is asked for again; a cancelled one is over.
    response = talk.response if isinstance(talk.response, Requested) else None
    since_sample, marking = _going_on_from(before, talk, is_held=is_held is True)
    resume = replace(talk, is_lost=False, is_old=False, since_sample=since_sample, response=response)
    opening = Opening(number, endpoint=talk.endpoint, is_held=is_held, resume=resume)
    closing: list[do.Effect] = [] if talk.is_lost else [do.CloseSession(talk.session)]
    wait = _BACK_OFF_SECONDS[min(talk.breaks, len(_BACK_OFF_SECONDS)) - 1] if talk.is_lost else 0.0
    opened = _open(opening, wait, continues=talk.session)
    return replace(enter(state, opening), sessions=number), [*marking, *closing, opened]


def _going_on_from(before: State, talk: Conversation, *, is_held: bool) -> tuple[int | None, list[do.Effect]]:
    """Where the uplink begins in the next session: where it ended, unless our own sound was heard since."""
    if talk.by_button and not is_held:
        return None, []
    if talk.since_sample is not None:
        return talk.since_sample, []
    was_open = uplinked(before) is not None or (before.rules.full_duplex and isinstance(before.phase, Speaking))
    return do.LEFT_OFF, [] if was_open else [do.MarkUplink()]


def resumed(state: State, phase: Opening, talk: Conversation) -> Outcome:
    """The new session of a conversation is open: give it what is owed, and ask for what is owed to the user."""
    talk = replace(talk, session=phase.session, endpoint=phase.endpoint)
    effects: list[do.Effect] = [do.SendToolOutput(talk.session, *output) for output in phase.outputs]
    effects += [do.SendNote(talk.session, note) for note in talk.notes]
    talk = replace(talk, notes=())
    if phase.is_held is not None:
        state, hearing = hear_by_button(state, talk, is_held=phase.is_held)
        return state, effects + hearing
    if not isinstance(talk.response, Requested):
        busy = bool(talk.calls) or talk.continuing
        return enter(state, Thinking(talk) if busy else Listening(talk)), effects
    # That answer is given with all that was sent before it.
    talk = replace(talk, continuing=False)
    if _resends(talk):
        if not (state.rules.local_turns or talk.by_button):
            # Its end is found once more, counted and answered, by the endpoint itself.
            return enter(state, Listening(replace(talk, response=None, turns=talk.turns - 1))), effects
        effects.append(do.CommitUtterance(talk.session))
    effects.append(do.CreateResponse(talk.session, talk.aloud))
    return enter(state, Thinking(talk)), effects


def hear_by_button(state: State, talk: Conversation, *, is_held: bool) -> Outcome:
    """Hear what is said while the button is down; where it has come up, all of it has been said already."""
    if is_held:
        return enter(state, Listening(talk, HELD)), []
    said: list[do.Effect] = [do.OpenUplink(talk.session, talk.since_sample), do.CloseUplink()]
    return enter(state, Listening(replace(talk, since_sample=None), RELEASED)), said


def on_spare(state: State, spare: Spare, event: on.SessionOpened | on.SessionClosed) -> Outcome:
    """The spare session stands, or failed; an endpoint may end one that nobody uses."""
    if isinstance(event, on.SessionClosed) and spare.is_ready and event.fault not in FATAL:
        return replace(state, spare=None), []
    if isinstance(event, on.SessionClosed):
        return give_up(replace(state, spare=None), spare.endpoint, event.fault), []
    state = reached(state, spare.endpoint)
    if spare.is_probe:
        return replace(state, spare=None), [do.CloseSession(spare.session)]
    return replace(state, spare=replace(spare, is_ready=True)), []


def reached(state: State, endpoint: int) -> State:
    """An endpoint answers: nothing is wrong with it, or the last conversation, any more."""
    state = replace(state, fault=None)
    down = without(state.down, endpoint)
    return state if down == state.down else replace(state, down=down, checks=state.checks + 1)


def on_spare_over(state: State, number: int) -> Outcome:
    """The spare session was kept long enough, or the test of an endpoint got no answer."""
    spare = state.spare
    if spare is None or spare.session != number:
        return state, []
    state = replace(state, spare=None)
    if spare.is_probe:
        state = give_up(state, spare.endpoint, on.Fault.NO_NETWORK)
    return state, [do.CloseSession(number)]


def on_check(state: State, number: int) -> Outcome:
    """Time to look whether an endpoint is up again; not while somebody is served."""
    failed = unreached(state)
    if number != state.checks or failed is None:
        return state, []
    if not isinstance(state.phase, Idle) or state.spare is not None:
        return replace(state, checks=state.checks + 1), []
    return _spare(state, failed.endpoint, is_probe=True)


def keep_warm(state: State) -> Outcome:
    """Have the next session ready, after a conversation."""
    endpoint = another(state)
    if endpoint is None or state.rules.endpoints[endpoint].is_on_device:
        return state, []
    return _spare(state, endpoint, is_probe=False)


def _spare(state: State, endpoint: int, *, is_probe: bool) -> Outcome:
    number = state.sessions + 1
    spare = Spare(number, endpoint, is_probe)
    return replace(state, sessions=number, spare=spare), [do.OpenSession(number, endpoint)]


def on_late_output(state: State, phase: Opening, event: on.ToolFinished) -> Outcome:
    """A call ended while its conversation waits for a session: its output is sent then."""
    talk = conversation(phase)
    if talk is None or event.call_id not in talk.calls | talk.orphans | talk.approved:
        return state, []
    effects: list[do.Effect] = []
    if event.is_strangers:
        state, talk, effects = distrust(state, talk, is_open=False)
    called = frozenset({event.call_id})
    if event.call_id in talk.approved:
        talk = replace(talk, approved=talk.approved - called, notes=(*talk.notes, result(event)))
        # Who holds the button has something to say first.
        talk = replace(talk, continuing=phase.is_held is None)
        return replace(state, phase=replace(phase, resume=talk)), effects
    continuing = talk.continuing or event.call_id in talk.calls
    talk = replace(talk, calls=talk.calls - called, orphans=talk.orphans - called, continuing=continuing)
    outputs = (*phase.outputs, (event.call_id, event.output))
    return replace(state, phase=replace(phase, resume=talk, outputs=outputs)), effects
