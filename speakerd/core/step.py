"""The one place where the speaker decides: `step(state, event) -> (state, effects)`.

What follows from the state (capture, uplink, level, facts, timers) is commanded by no branch: `step` compares before
with after. What may follow from any branch is in `settling`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from speakerd.core import derived
from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.activations import end, on_action, on_release, on_say, on_text, on_wake_word, quiet
from speakerd.core.answers import on_playout_ended, on_tool_finished
from speakerd.core.approvals import APPROVED_CALL, expire
from speakerd.core.barge_in import on_hold_over, on_voice
from speakerd.core.moves import Outcome, fail, finish, judge
from speakerd.core.opening import on_check, on_opening_failed, on_spare, on_spare_over
from speakerd.core.settling import announce_next, on_spent, settle, stop_announcing
from speakerd.core.state import (
    Card,
    Conversation,
    Idle,
    Listening,
    Opening,
    Speaking,
    State,
    Thinking,
    conversation,
    session,
)
from speakerd.core.timers import timers
from speakerd.core.turns import on_conversation

NOT_OPENED = "it did not open in time"


def step(state: State, event: on.Event) -> Outcome:
    """Return the next state and what to do about it, in order."""
    if state.stopping:
        return state, []
    after, wanted = _decide(state, event)
    if after is state and not wanted:
        return state, []
    after, settling = settle(state, after)
    after, wanted = _cued(after, wanted + settling)
    after, announcing = announce_next(after)
    wanted += announcing
    heard_before, heard_after = derived.uplinked(state), derived.uplinked(after)
    effects: list[do.Effect] = []
    if heard_before is not None and heard_before != heard_after:
        effects.append(do.CloseUplink())
    effects += _facts(state, after)
    effects += wanted
    if derived.playout_level(state) is not derived.playout_level(after):
        effects.append(do.SetPlayoutLevel(derived.playout_level(after)))
    if derived.capturing(state) != derived.capturing(after):
        effects.append(do.OpenCapture() if derived.capturing(after) else do.CloseCapture())
    if heard_before != heard_after:
        after, opening = _open_uplink(state, after)
        effects += opening
    return after, effects + timers(state, after)


def _decide(state: State, event: on.Event) -> Outcome:
    match event:
        case on.WakeWordHeard():
            return on_wake_word(state, event)
        case on.ActionPressed():
            return on_action(state)
        case on.ActionReleased():
            return on_release(state)
        case on.MutePressed():
            return _on_mute(state, not state.muted)
        case on.MuteAsked():
            return _on_mute(state, event.muted)
        case on.EndAsked():
            return end(state)
        case on.RingingStopAsked():
            return quiet(state)
        case on.CardFound() | on.CardLost() | on.MicrophoneSilent() | on.MicrophoneHeard():
            return _on_card(state, event)
        case on.VoiceHinted() | on.VoiceHeard() | on.VoiceGone():
            return on_voice(state, event)
        case on.TextAsked():
            return on_text(state, event)
        case on.SayAsked():
            return on_say(state, event)
        case on.RetryAsked():
            return replace(state, down=(), fault=None, checks=state.checks + 1), []
        case on.WordsChanged(words=words):
            return replace(state, rules=replace(state.rules, words=words)), []
        case on.StopAsked():
            return _on_stop(state)
        case on.AlarmRang():
            effects: list[do.Effect] = [] if state.ringing else [do.StartRinging()]
            return replace(state, ringing=state.ringing | {event.alarm}, rings=state.rings + 1), effects
        case on.TimedOut():
            return _on_timer(state, event)
        case on.PlayoutEnded():
            return _on_playout_ended(state, event)
        case on.CueEnded(cue=cue):
            return replace(state, cues=state.cues - {cue}), []
        case on.ToolFinished(session=on.NO_SESSION):
            return _on_own_call_finished(state, event)
        case on.ToolFinished(call_id=call_id) if call_id.startswith(APPROVED_CALL) and not conversation(state.phase):
            # The conversation that it was approved in is over.
            return _on_own_call_finished(state, event)
        case on.ToolFinished():
            return on_tool_finished(state, event)
        case on.Spent():
            return on_spent(state, event)
        case on.SessionOpened() | on.SessionClosed() if state.spare and event.session == state.spare.session:
            return on_spare(state, state.spare, event)
        case _:
            return on_conversation(state, event) if event.session == session(state.phase) else (state, [])


def _on_mute(state: State, muted: bool) -> Outcome:
    effects: list[do.Effect] = []
    if state.rules.turn_cues and muted != state.muted:
        effects.append(do.PlayCue(do.Cue.MUTED if muted else do.Cue.UNMUTED))
    state = replace(state, muted=muted, microphone_silent=state.microphone_silent and not muted)
    match state.phase:
        case Opening(text=None, resume=None) | Listening() if muted:
            state, finishing = finish(state)
            return state, finishing + effects
        case Opening(resume=Conversation() as talk) if muted and not talk.owes:
            state, finishing = finish(state)
            return state, finishing + effects
        case Speaking() as phase if muted:
            # Nobody can be heard any more, and nothing would say that what was heard is over.
            return replace(state, phase=replace(phase, overheard=None)), effects
        case _:
            return state, effects


def _on_card(state: State, event: on.CardFound | on.CardLost | on.MicrophoneSilent | on.MicrophoneHeard) -> Outcome:
    match event:
        case on.CardFound():
            return replace(state, card=Card.UP), [do.StartRinging()] if state.ringing else []
        case on.CardLost():
            state, effects = (state, []) if derived.is_written(state) else finish(state)
            state, hushing = stop_announcing(state)
            return replace(state, card=Card.DOWN, microphone_silent=False), effects + hushing
        case on.MicrophoneHeard():
            return replace(state, microphone_silent=False), []
        case on.MicrophoneSilent() if state.microphone_silent or state.muted or state.card is not Card.UP:
            # Said already; or a report from before a mute or a lost card.
            return state, []
        case _:
            return replace(state, microphone_silent=True), [do.PlayCue(do.Cue.NO_MICROPHONE)]


def _on_stop(state: State) -> Outcome:
    state, effects = end(state)
    if state.spare is not None:
        effects.append(do.CloseSession(state.spare.session))
    return replace(state, spare=None, stopping=True), [*effects, do.Exit()]


def _on_timer(state: State, event: on.TimedOut) -> Outcome:
    number = event.epoch
    match event.timer:
        case on.Timer.RINGING:
            return quiet(state) if number == state.rings else (state, [])
        case on.Timer.HOLD:
            return on_hold_over(state, number)
        case on.Timer.ROLLOVER:
            return _on_old_session(state, number)
        case on.Timer.CONVERSATION:
            return _on_long_conversation(state, number)
        case on.Timer.SPARE:
            return on_spare_over(state, number)
        case on.Timer.HEALTH:
            return on_check(state, number)
        case on.Timer.ANNOUNCEMENT:
            is_current = state.announcing is not None and state.announcing.number == number
            return stop_announcing(state) if is_current else (state, [])
        case on.Timer.APPROVAL:
            return expire(state, number)
        case on.Timer.MINUTE:
            is_current = number == state.minutes
            return replace(state, calls_lately=0, minutes=number + 1) if is_current else state, []
        case on.Timer.WAITING:
            return _on_slow_tool(state, number)
        case on.Timer.TAP:
            return replace(state, is_tap=state.is_tap and number != state.presses), []
        case on.Timer.PHASE:
            return _on_deadline(state) if number == state.epoch else (state, [])
        case _:
            assert_never(event.timer)


def _on_slow_tool(state: State, number: int) -> Outcome:
    """Say by a sound that the tool still runs, and wait as long again."""
    if number != state.waits or not derived.is_waiting(state):
        return state, []
    return replace(state, waits=number + 1), [do.PlayCue(do.Cue.WAITING)]


def _on_deadline(state: State) -> Outcome:
    match state.phase:
        case Opening() as phase:
            closing = (do.CloseSession(phase.session),)
            return on_opening_failed(state, phase, on.Fault.NO_NETWORK, NOT_OPENED, closing=closing)
        case Thinking() | Speaking():
            return fail(state, on.Fault.NO_ANSWER)
        case Listening(talk=talk, utterance=None) if _is_listened_to(state):
            _, judging = judge(talk, was_wanted=False)
            state, finishing = finish(state)
            telling = [do.PlayCue(do.Cue.END_OF_LISTENING)] if state.rules.turn_cues else []
            return state, [*judging, *finishing, *telling]
        case _:
            return finish(state)


def _is_listened_to(state: State) -> bool:
    return derived.uplinked(state) is not None and not state.microphone_silent


def _on_old_session(state: State, number: int) -> Outcome:
    match state.phase:
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk) as phase if talk.session == number:
            return replace(state, phase=replace(phase, talk=replace(talk, is_old=True))), []
        case _:
            return on_spare_over(state, number)


def _on_long_conversation(state: State, number: int) -> Outcome:
    """The longest conversation is over: at once where the user is waited for, else with the answer that he gets."""
    match state.phase:
        case Listening(talk=talk, utterance=None) if talk.root == number:
            return finish(state)
        case Opening(resume=Conversation() as talk) as opening if talk.root == number:
            if not talk.owes:
                return finish(state)
            return replace(state, phase=replace(opening, resume=replace(talk, is_too_long=True))), []
        case Listening(talk=talk) | Thinking(talk=talk) | Speaking(talk=talk) as phase if talk.root == number:
            return replace(state, phase=replace(phase, talk=replace(talk, is_too_long=True))), []
        case _:
            return state, []


def _on_playout_ended(state: State, event: on.PlayoutEnded) -> Outcome:
    if state.announcing is not None and event.item_id == do.announcement_item(state.announcing.number):
        return replace(state, announcing=None), []
    return on_playout_ended(state, event)


def _on_own_call_finished(state: State, event: on.ToolFinished) -> Outcome:
    """Tell by a sound how a call ended that a wake word made; while the user is listened to, only bad news.

    In half duplex even those wait: the microphone would have to be closed, and words would be lost.
    """
    if event.failed:
        return replace(state, failure_untold=True), []
    return state, [do.PlayCue(do.Cue.DONE)] if derived.uplinked(state) is None else []


def _cued(state: State, effects: list[do.Effect]) -> Outcome:
    """Know which cues sound: one that sounds is not played again, and one that waited is played when it may be."""
    effects = [effect for effect in effects if not isinstance(effect, do.PlayCue) or effect.cue not in state.cues]
    begun = {effect.cue for effect in effects if isinstance(effect, do.PlayCue)}
    if begun:
        state = replace(state, cues=state.cues | begun)
    if state.failure_untold and (state.rules.full_duplex or derived.uplinked(state) is None):
        state, telling = _cued(replace(state, failure_untold=False), [do.PlayCue(do.Cue.FAILED)])
        effects += telling
    return state, effects


def _facts(before: State, after: State) -> list[do.Effect]:
    """Facts are told before what they are for, and forgotten after it; a session that is gone has forgotten them."""
    told, wanted = derived.informed(before), derived.informed(after)
    if told == wanted:
        return []
    effects: list[do.Effect] = []
    if told is not None and derived.open_session(after) == told:
        effects.append(do.ForgetFacts(told))
    if wanted is not None:
        effects.append(do.TellFacts(wanted))
    return effects


def _open_uplink(before: State, state: State) -> Outcome:
    """Use up the position at which the uplink begins: when it opens again, it begins there and then."""
    phase = state.phase
    if derived.uplinked(state) is None or isinstance(phase, Idle | Opening):
        return state, []
    talk = phase.talk
    was_loud = not state.rules.full_duplex and (before.ringing or before.cues)
    # What was heard since the uplink ended is our own sound; but who holds the button may have spoken over it.
    since_sample = None if was_loud and talk.since_sample == do.LEFT_OFF and not talk.by_button else talk.since_sample
    used = replace(phase, talk=replace(talk, since_sample=None))
    return replace(state, phase=used), [do.OpenUplink(talk.session, since_sample)]
