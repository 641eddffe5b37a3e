"""Calls that the owner's policy holds back: refused, or run when he presses the button or says the code.

The endpoint is answered at once, so that its model can ask the user; what the user did is told to it afterwards. Only
our own ears and the button count, never what the model says that somebody agreed to.
"""

from __future__ import annotations

from dataclasses import replace

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.moves import Outcome
from speakerd.core.policy import Asked, Verdict, verdict
from speakerd.core.state import Approval, Conversation, Idle, Opening, State, conversation

DENIED = "error: the owner of this speaker does not allow that; tell the user so, and do not try it in another way"
SAME_AGAIN = "error: this was asked several times in this turn; tell the user what you know so far"
ONE_AT_A_TIME = "error: another action waits for the user's approval; ask for that one first"
PRESS = "error: not done yet: ask the user to press the button on the speaker within {seconds:.0f} seconds to confirm"
SAY = "{press}, or to say the code {code}"
APPROVED = "The user has confirmed by the button or the code what waited for it. The result: {output}"

_DIGITS = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip


HeldBack = tuple[State, Conversation, str, list[do.Effect]]


def held_back(state: State, talk: Conversation, event: on.ToolCalled) -> HeldBack:
    """What is answered in place of an output, "" if the call may run; the state and conversation know of it."""
    asked = (event.name, event.arguments)
    if talk.asked.count(asked) >= state.rules.most_equal_calls:
        return state, talk, SAME_AGAIN, [do.NoteDecision(event.name, "refused", "asked again and again")]
    talk = replace(talk, asked=(*talk.asked, asked))
    judged = verdict(state.rules.policy, Asked(event.name, event.texts), is_tainted=talk.is_tainted)
    match judged:
        case Verdict.ALLOW:
            return state, talk, "", [do.NoteDecision(event.name, "allowed", "policy")]
        case Verdict.DENY:
            return state, talk, DENIED, [do.NoteDecision(event.name, "refused", "policy")]
    if state.approval is not None:
        return state, talk, ONE_AT_A_TIME, [do.NoteDecision(event.name, "refused", "another one waits")]
    code = event.code if judged is Verdict.CONFIRM else ""
    number = state.approvals + 1
    state = replace(state, approval=Approval(number, event.name, event.arguments, code), approvals=number)
    answer = PRESS.format(seconds=state.rules.approval_seconds)
    if code:
        answer = SAY.format(press=answer, code=" ".join(code))
    waiting: list[do.Effect] = [do.NoteDecision(event.name, "waiting", judged.value), do.PlayCue(do.Cue.CONFIRM)]
    return state, talk, answer, waiting


def approve(state: State, approval: Approval, how: str) -> Outcome:
    """Run the call: for the conversation if there is one that can hear of it, else for itself."""
    talk = conversation(state.phase)
    call_id = f"approved-{approval.number}"
    state = replace(state, approval=None)
    noted = do.NoteDecision(approval.tool, "allowed", how)
    phase = state.phase
    if talk is None or isinstance(phase, Idle | Opening):
        return state, [noted, do.RunTool(on.NO_SESSION, call_id, approval.tool, approval.arguments)]
    talk = replace(talk, approved=talk.approved | {call_id})
    state = replace(state, phase=replace(phase, talk=talk))
    return state, [noted, do.RunTool(talk.session, call_id, approval.tool, approval.arguments)]


def on_heard(state: State, text: str) -> Outcome:
    """The user may have said the code."""
    approval = state.approval
    if approval is None or not approval.code or approval.code not in spoken_digits(text):
        return state, []
    return approve(state, approval, "the spoken code")


def expire(state: State, number: int) -> Outcome:
    """Nobody approved in time."""
    if state.approval is None or state.approval.number != number:
        return state, []
    return replace(state, approval=None), [do.NoteDecision(state.approval.tool, "refused", "nobody approved it")]


def spoken_digits(text: str) -> str:
    """The digits in what was said, in order, whether written as digits or as words."""
    marked = "".join(mark if mark.isalnum() else " " for mark in text.casefold())
    return "".join(_DIGITS.get(word, word if word.isdigit() else " ") for word in marked.split())
