"""A conversation with a model that obeys whoever spoke last: the real core and the real registry, and a house."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace

from injected_house import House
from speakerd.core import effects as do
from speakerd.core import events as on
from speakerd.core.default_policy import DEFAULT_POLICY
from speakerd.core.policy import PolicyRule, Verdict
from speakerd.core.state import Idle, Listening, Requested, Rules, State, Thinking
from speakerd.core.step import step
from speakerd.realtime.asked import texts
from speakerd.tools.registry import ToolRunner

CODE = "471"
OWNERS = (
    PolicyRule("home_HassTurnOff", Verdict.CONFIRM, (("domain", "lock"),)),
    PolicyRule("home_HassTurnOn", Verdict.BUTTON, (("domain", "cover"),)),
)
"""An owner who wants to unlock by a code."""
POLICY = (*OWNERS, *DEFAULT_POLICY)


@dataclass(frozen=True)
class Call:
    tool: str
    arguments: str


def call(tool: str, arguments: str | None = None, /, **named: object) -> Call:
    return Call(tool, json.dumps(named) if arguments is None else arguments)


@dataclass(frozen=True)
class Hears:
    """Words that reach the microphone, whoever says them."""

    text: str
    is_over_answer: bool = False


@dataclass(frozen=True)
class Says:
    """The model's own words."""

    text: str


@dataclass(frozen=True)
class Types:
    text: str


@dataclass(frozen=True)
class Waits:
    """Longer than an approval does."""


@dataclass(frozen=True)
class Presses:
    pass


@dataclass(frozen=True)
class Breaks:
    """The session breaks off, and another one goes on."""


Step = tuple[Call, ...] | Hears | Says | Types | Waits | Presses | Breaks


@dataclass
class Stage:
    """Plays a script: calls in one tuple come in one response."""

    house: House
    policy: tuple[PolicyRule, ...] = POLICY
    session: int = 0
    numbered: int = 0
    outputs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = State(Rules(policy=self.policy, full_duplex=True))
        self._inbox: asyncio.Queue[on.Event] = asyncio.Queue()
        self._runner = ToolRunner(self.house.tools(), self._inbox.put_nowait, deadline_seconds=5.0)
        self._running = 0

    async def play(self, *script: Step) -> None:
        self._take(on.CardFound())
        self._take(on.WakeWordHeard("hey_jarvis", 0.9, 50_000))
        self._take(on.SessionOpened(self.session))
        self._hear("Go on.")
        for each in script:
            await self._act(each)
            await self._settle()
        await self._runner.close()

    async def _act(self, each: Step) -> None:
        match each:
            case tuple() as calls:
                await self._respond(calls)
            case Hears(text=text, is_over_answer=True):
                response, item = self._begin_answer("")
                self._hear(text)
                self._take(on.ResponseEnded(self.session, response, on.Status.CANCELLED))
                self._take(on.PlayoutEnded(item, 500, cut_short=True))
            case Hears(text=text):
                self._answer("Well.")
                self._hear(text)
            case Says(text=text):
                self._answer(text)
                self._hear("")
            case Types(text=text):
                self._answer("Well.")
                self._take(on.TextAsked(1, text))
            case Waits():
                if self.state.approval is not None:
                    self._take(on.TimedOut(on.Timer.APPROVAL, self.state.approval.number))
            case Presses():
                self._take(on.ActionPressed())
            case Breaks():
                self._take(on.SessionClosed(self.session, on.Fault.NO_NETWORK, "gone"))
                self._take(on.SessionOpened(self.session))

    async def _respond(self, calls: tuple[Call, ...]) -> None:
        response = self._created()
        for each in calls:
            called = on.ToolCalled(self.session, response, self._new("c"), each.tool, each.arguments)
            self._take(replace(called, texts=texts(each.arguments), code=CODE))
        await self._settle()
        self._take(on.ResponseEnded(self.session, response, on.Status.COMPLETED))

    async def _settle(self) -> None:
        async with asyncio.timeout(10):
            while self._running:
                event = await self._inbox.get()
                self._running -= 1
                self._take(event)

    def _created(self) -> str:
        response = self._new("r")
        self._take(on.ResponseCreated(self.session, response))
        return response

    def _begin_answer(self, text: str) -> tuple[str, str]:
        response, item = self._created(), self._new("i")
        self._take(on.AnswerStarted(self.session, response, item))
        self._take(on.Transcribed(self.session, item, on.Talker.ASSISTANT, text))
        return response, item

    def _answer(self, text: str) -> None:
        """The model speaks, if it is its turn, and then it is the user's."""
        while isinstance(self.state.phase, Thinking) and isinstance(self.state.phase.talk.response, Requested):
            response, item = self._begin_answer(text)
            self._take(on.ResponseEnded(self.session, response, on.Status.COMPLETED))
            self._take(on.PlayoutEnded(item, 900, cut_short=False))
        assert isinstance(self.state.phase, Listening | Idle)

    def _hear(self, text: str) -> None:
        utterance = self._new("u")
        self._take(on.SpeechStarted(self.session, utterance))
        self._take(on.SpeechStopped(self.session, utterance))
        if text:
            self._take(on.Transcribed(self.session, utterance, on.Talker.USER, text))

    def _new(self, kind: str) -> str:
        self.numbered += 1
        return f"{kind}{self.numbered}"

    def _take(self, event: on.Event) -> None:
        self.state, effects = step(self.state, event)
        for effect in effects:
            match effect:
                case do.OpenSession(session=number):
                    self.session = number
                case do.RunTool(session=number, call_id=call_id, name=name, arguments=arguments):
                    self._running += 1
                    self._runner.run(number, call_id, name, arguments)
                case do.SendToolOutput(output=output):
                    self.outputs.append(output)
                case do.PlayCue(cue=cue):
                    self._take(on.CueEnded(cue))
