"""The one place where the speaker decides: `step(state, event) -> (state, effects)`.

What follows from the state (capture, uplink, level, timers) is commanded by no branch: `step` compares before with
after.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.barge_in import on_hold_over, on_voice
from speakerd.core.derived import capturing, deadline_seconds, hold, playout_level, uplinked
from speakerd.core.moves import Outcome, enter, fail, finish, interrupt, judge
from speakerd.core.state import (
    Card,
    Idle,
    Listening,
    Opening,
    Requested,
    Speaking,
    State,
    Thinking,
    Wake,
    session,
)
from speakerd.core.turns import on_conversation, on_playout_ended
from speakerd.core.words import CallTool, Stop, Talk

CARD_MISSING = "the sound card is not available: see what `speakerd check` says"
BUSY = "a conversation is going on: ask again when it has ended"


def step(state: State, event: on.Event) -> Outcome:
    """Return the next state and what to do about it, in order."""
    if state.stopping:
        return state, []
    after, wanted = _cued(*_decide(state, event))
    heard_before, heard_after = uplinked(state), uplinked(after)
    effects: list[do.Effect] = []
    if heard_before is not None and heard_before != heard_after:
        effects.append(do.CloseUplink())
    effects += wanted
    if playout_level(state) is not playout_level(after):
        effects.append(do.SetPlayoutLevel(playout_level(after)))
    if capturing(state) != capturing(after):
        effects.append(do.OpenCapture() if capturing(after) else do.CloseCapture())
    if heard_before != heard_after:
        after, opening = _open_uplink(after)
        effects += opening
    return after, effects + _timers(state, after)


def _decide(state: State, event: on.Event) -> Outcome:
    match event:
        case on.WakeWordHeard():
            return _on_wake_word(state, event)
        case on.ActionPressed():
            return _on_action(state)
        case on.MutePressed():
            return _on_mute(state, not state.muted)
        case on.MuteAsked():
            return _on_mute(state, event.muted)
        case on.EndAsked():
            return _end(state)
        case on.CardFound():
            return replace(state, card=Card.UP), [do.StartRinging()] if state.ringing else []
        case on.CardLost():
            return _on_card_lost(state)
        case on.MicrophoneSilent():
            return _on_silent_microphone(state)
        case on.MicrophoneHeard():
            return replace(state, microphone_silent=False), []
        case on.VoiceHinted() | on.VoiceHeard() | on.VoiceGone():
            return on_voice(state, event)
        case on.TextAsked():
            return _on_text(state, event)
        case on.WordsChanged(words=words):
            return replace(state, rules=replace(state.rules, words=words)), []
        case on.StopAsked():
            return _on_stop(state)
        case on.AlarmRang():
            effects: list[do.Effect] = [] if state.ringing else [do.StartRinging()]
            return replace(state, ringing=state.ringing | {event.alarm}, rings=state.rings + 1), effects
        case on.TimedOut():
            return _on_deadline(state, event)
        case on.PlayoutEnded():
            return on_playout_ended(state, event)
        case on.CueEnded(cue=cue):
            return replace(state, cues=state.cues - {cue}), []
        case on.ActionReleased() | on.SayAsked() | on.RetryAsked() | on.Spent() | on.UplinkClosed():
            return state, []
        case on.ToolFinished(session=on.NO_SESSION):
            return _on_own_call_finished(state, event)
        case _:
            return on_conversation(state, event) if event.session == session(state.phase) else (state, [])


def _on_wake_word(state: State, event: on.WakeWordHeard) -> Outcome:
    match state.rules.action(event.word):
        case Stop():
            return _end(state) if isinstance(state.phase, Thinking | Speaking) else _quiet(state)
        case CallTool(name=name, arguments=arguments):
            # Positions never come again, so no two calls share an id. Ringing goes on: nobody asked for quiet.
            call = do.RunTool(on.NO_SESSION, f"wake-{event.sample}", name, arguments)
            return state, [call] if _hears(state) else []
        case Talk():
            return _on_talk_word(state, event)
        case action:
            assert_never(action)


def _on_talk_word(state: State, event: on.WakeWordHeard) -> Outcome:
    state, effects = _quiet(state)
    if not _hears(state):
        return state, effects
    match state.phase:
        case Idle():
            since_sample = max(0, event.sample - state.rules.preroll_samples)
            state, opening = _open(state, since_sample=since_sample, wake=Wake(event.word, event.sample))
            return state, effects + opening
        case Thinking() | Speaking() as phase:
            going_on = replace(phase, talk=replace(phase.talk, ending=False, typed=False))
            state, interrupting = interrupt(state, going_on, event.sample)
            return state, effects + interrupting
        case _:
            return state, effects


def _on_action(state: State) -> Outcome:
    if state.ringing:
        return _quiet(state)
    match state.phase:
        case Idle() if state.muted:
            return state, [do.PlayCue(do.Cue.MUTED)]
        case Idle() if state.microphone_silent:
            return state, [do.PlayCue(do.Cue.NO_MICROPHONE)]
        case Idle() if state.card is Card.UP:
            return _open(state)
        case Thinking() | Speaking() as phase:
            return interrupt(state, phase)
        case _:
            return finish(state)


def _on_mute(state: State, muted: bool) -> Outcome:
    effects: list[do.Effect] = []
    if state.rules.turn_cues and muted != state.muted:
        effects.append(do.PlayCue(do.Cue.MUTED if muted else do.Cue.UNMUTED))
    state = replace(state, muted=muted, microphone_silent=state.microphone_silent and not muted)
    match state.phase:
        case Opening(text=None) | Listening() if muted:
            state, finishing = finish(state)
            return state, finishing + effects
        case Speaking() as phase if muted:
            # Nobody can be heard any more, and nothing would say that what was heard is over.
            return replace(state, phase=replace(phase, overheard=None)), effects
        case _:
            return state, effects


def _on_card_lost(state: State) -> Outcome:
    state, effects = finish(state)
    return replace(state, card=Card.DOWN, microphone_silent=False), effects


def _on_silent_microphone(state: State) -> Outcome:
    """Say it once; a report from before a mute or a lost card is stale."""
    if state.microphone_silent or not _hears(state):
        return state, []
    return replace(state, microphone_silent=True), [do.PlayCue(do.Cue.NO_MICROPHONE)]


def _on_text(state: State, event: on.TextAsked) -> Outcome:
    if state.card is not Card.UP:
        return state, [do.RefuseAsk(event.request, CARD_MISSING)]
    match state.phase:
        case Idle():
            return _open(state, request=event.request, text=event.text)
        case Listening(talk=talk, utterance=None) if talk.response is None:
            state = enter(state, Thinking(replace(talk, response=Requested(), calls_made=0)))
            return state, [do.SendText(talk.session, event.text), do.CreateResponse(talk.session)]
        case _:
            return state, [do.RefuseAsk(event.request, BUSY)]


def _on_stop(state: State) -> Outcome:
    state, effects = _end(state)
    return replace(state, stopping=True), [*effects, do.Exit()]


def _end(state: State) -> Outcome:
    state, quieting = _quiet(state)
    state, finishing = finish(state)
    return state, quieting + finishing


def _on_deadline(state: State, event: on.TimedOut) -> Outcome:
    if event.timer is on.Timer.RINGING:
        return _quiet(state) if event.epoch == state.rings else (state, [])
    if event.timer is on.Timer.HOLD:
        return on_hold_over(state, event.epoch)
    if event.epoch != state.epoch:
        return state, []
    match state.phase:
        case Opening():
            return fail(state, on.Fault.NO_NETWORK)
        case Thinking() | Speaking():
            return fail(state, on.Fault.NO_ANSWER)
        case Listening(talk=talk, utterance=None) if uplinked(state) is not None and not state.microphone_silent:
            _, judging = judge(talk, was_wanted=False)
            state, finishing = finish(state)
            telling = [do.PlayCue(do.Cue.END_OF_LISTENING)] if state.rules.turn_cues else []
            return state, [*judging, *finishing, *telling]
        case _:
            return finish(state)


def _on_own_call_finished(state: State, event: on.ToolFinished) -> Outcome:
    """Tell by a sound how a call ended that a wake word made; while the user is listened to, only bad news.

    In half duplex even those wait: the microphone would have to be closed, and words would be lost.
    """
    if event.failed:
        return replace(state, failure_untold=True), []
    return state, [do.PlayCue(do.Cue.DONE)] if uplinked(state) is None else []


def _hears(state: State) -> bool:
    return not state.muted and state.card is Card.UP


def _open(
    state: State,
    *,
    since_sample: int | None = None,
    request: int | None = None,
    text: str | None = None,
    wake: Wake | None = None,
) -> Outcome:
    number = state.sessions + 1
    opening = Opening(number, since_sample, request, text, wake)
    effects: list[do.Effect] = [do.OpenSession(number)]
    if text is None and state.rules.turn_cues and state.rules.full_duplex:
        effects.append(do.PlayCue(do.Cue.ACTIVATED))
    return replace(enter(state, opening), sessions=number), effects


def _quiet(state: State) -> Outcome:
    if not state.ringing:
        return state, []
    return replace(state, ringing=frozenset(), rings=state.rings + 1), [do.StopRinging()]


def _cued(state: State, effects: list[do.Effect]) -> Outcome:
    """Know which cues sound: one that sounds is not played again, and one that waited is played when it may be."""
    effects = [effect for effect in effects if not isinstance(effect, do.PlayCue) or effect.cue not in state.cues]
    begun = {effect.cue for effect in effects if isinstance(effect, do.PlayCue)}
    if begun:
        state = replace(state, cues=state.cues | begun)
    if state.failure_untold and (state.rules.full_duplex or uplinked(state) is None):
        state, telling = _cued(replace(state, failure_untold=False), [do.PlayCue(do.Cue.FAILED)])
        effects += telling
    return state, effects


def _open_uplink(state: State) -> Outcome:
    """Use up the position at which the uplink begins: when it opens again, it begins there and then."""
    phase = state.phase
    if uplinked(state) is None or isinstance(phase, Idle | Opening):
        return state, []
    used = replace(phase, talk=replace(phase.talk, since_sample=None))
    return replace(state, phase=used), [do.OpenUplink(phase.talk.session, phase.talk.since_sample)]


def _timers(before: State, after: State) -> list[do.Effect]:
    effects: list[do.Effect] = []
    if after.epoch != before.epoch:
        seconds = deadline_seconds(after)
        running = do.StopTimer(on.Timer.PHASE)
        effects.append(running if seconds is None else do.StartTimer(on.Timer.PHASE, after.epoch, seconds))
    if after.rings != before.rings:
        ringing = do.StartTimer(on.Timer.RINGING, after.rings, after.rules.ringing_seconds)
        effects.append(ringing if after.ringing else do.StopTimer(on.Timer.RINGING))
    number = hold(after)
    if number != hold(before):
        stopping = do.StopTimer(on.Timer.HOLD)
        effects.append(stopping if number is None else do.StartTimer(on.Timer.HOLD, number, after.rules.hold_seconds))
    return effects
