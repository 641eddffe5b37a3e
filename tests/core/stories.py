"""How the stories of the core begin, and how they are played."""

from __future__ import annotations

from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.endpoints import EndpointRule
from speakerd.core.lights import Light, light
from speakerd.core.state import Rules, State
from speakerd.core.step import step

T = on.Timer
PHASE, AGE, HEALTH, ANNOUNCING, SPARING = T.PHASE, T.ROLLOVER, T.HEALTH, T.ANNOUNCEMENT, T.SPARE
OFFLINE = EndpointRule("offline", is_on_device=True)
CLOUD = EndpointRule("cloud", bills=True)
CENT = 10_000_000
ONE = Rules()
TWO = Rules(endpoints=(CLOUD, OFFLINE), failover_seconds=4.0)

WAKE = on.WakeWordHeard("hey_jarvis", 0.97, 40_000)
NO_NETWORK, BAD_KEY, NO_CREDIT = on.Fault.NO_NETWORK, on.Fault.BAD_KEY, on.Fault.NO_CREDIT

Story = list[tuple[on.Event, list[do.Effect], Light]]


def closed(session: int, fault: on.Fault = NO_NETWORK) -> on.Event:
    return on.SessionClosed(session, fault, "gone")


def woken(seconds: float = 10.0) -> Story:
    return [
        (on.CardFound(), [], Light.IDLE),
        (WAKE, [do.OpenSession(1), do.StartTimer(PHASE, 1, seconds)], Light.OPENING),
    ]


def listening(seconds: float = 10.0) -> Story:
    opened: list[do.Effect] = [do.OpenUplink(1, 27_200), do.StartTimer(PHASE, 2, 8.0), do.StartTimer(AGE, 1, 3300.0)]
    return [*woken(seconds), (on.SessionOpened(1), opened, Light.LISTENING)]


def asked(seconds: float = 10.0) -> Story:
    judged: list[do.Effect] = [do.JudgeWake("hey_jarvis", True, 40_000), do.StartTimer(PHASE, 4, 30.0)]
    return [
        *listening(seconds),
        (on.SpeechStarted(1, "u1"), [do.StartTimer(PHASE, 3, 60.0)], Light.LISTENING),
        (on.SpeechStopped(1, "u1"), judged, Light.THINKING),
    ]


def called() -> Story:
    return [
        *asked(),
        (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
        (on.ToolCalled(1, "r1", "c1", "clock", "{}"), [do.RunTool(1, "c1", "clock", "{}")], Light.THINKING),
        (on.ResponseEnded(1, "r1", on.Status.COMPLETED), [do.StartTimer(PHASE, 6, 30.0)], Light.THINKING),
    ]


def speaking() -> Story:
    return [
        *asked(),
        (on.ResponseCreated(1, "r1"), [do.StartTimer(PHASE, 5, 30.0)], Light.THINKING),
        (on.AnswerStarted(1, "r1", "a1"), [do.CloseUplink(), do.StartTimer(PHASE, 6, 300.0)], Light.SPEAKING),
    ]


LOST: list[do.Effect] = [do.CloseUplink(), do.OpenSession(2, 0, 1, True, 0.1)]
NO_AGE = do.StopTimer(AGE)


def play(rules: Rules, story: Story) -> None:
    """Check the effects and the light of each event in turn; the record of calls is test_core_approvals' business."""
    state = State(rules)
    for number, (event, effects, shown) in enumerate(story):
        state, effects_of_all = step(state, event)
        done = [effect for effect in effects_of_all if not isinstance(effect, do.NoteDecision)]
        assert (done, light(state)) == (effects, shown), f"event {number}: {event}"


def played(rules: Rules, *events: on.Event) -> tuple[State, list[do.Effect]]:
    """The state after some events, and the effects of the last one."""
    state, effects = State(rules), list[do.Effect]()
    for event in events:
        state, effects = step(state, event)
    return state, effects


def spoken(effects: list[do.Effect]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, do.Announce)]


TALKING = (on.CardFound(), WAKE, on.SessionOpened(1), on.SpeechStarted(1, "u1"), on.SpeechStopped(1, "u1"))
ANSWERING = (*TALKING, on.ResponseCreated(1, "r1"), on.AnswerStarted(1, "r1", "a1"))


def opened(effects: list[do.Effect]) -> do.OpenSession:
    """The one session that is opened."""
    [opening] = [effect for effect in effects if isinstance(effect, do.OpenSession)]
    return opening
