"""The law of the journal: whatever happens in whatever order, no record of any level holds what was said, or a secret.

The loop, the core, the real tools and all observers of a speaker run, and everything that they log is looked through:
the message, its arguments, and the fields as systemd is sent them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from systemd.journal import JournalHandler

from fakes import Told, fake_devices
from speakerd.core import events as on
from speakerd.core.default_policy import DEFAULT_POLICY
from speakerd.core.effects import Cue
from speakerd.core.endpoints import EndpointRule
from speakerd.core.policy import PolicyRule, Verdict
from speakerd.core.state import END_CONVERSATION, Rules
from speakerd.daemon import Daemon
from speakerd.errors import ToolError
from speakerd.ports import ToolSpec
from speakerd.service.fields import FIELDS
from speakerd.service.journal import set_up_logging
from speakerd.service.logbook import write_down
from speakerd.service.notify import Notifier
from speakerd.service.telling import Telling
from speakerd.service.waits import Waits
from speakerd.tools.audit import AuditFile
from speakerd.tools.everyday import everyday_tools, kept_in
from speakerd.tools.registry import ToolRunner
from speakerd.tools.tool import Tool, parameters

SECRET = "zanzibar"  # noqa: S105 - a word
_TURNS = 6
"""Of the loop after each event: a tool begins, fails, and is heard of."""
SAID = f"The {SECRET} of the user, {SECRET}!"
BROKEN, REFUSING = "broken_tool", "refusing_tool"
RULES = Rules(
    endpoints=(EndpointRule("cloud", bills=True), EndpointRule("offline", is_on_device=True)),
    policy=(PolicyRule("set_volume", Verdict.CONFIRM), PolicyRule("get_time", Verdict.BUTTON), *DEFAULT_POLICY),
)


class Outlet:
    """The control socket: what was said may leave there."""

    def publish(self, event: object) -> None:
        pass

    def refuse(self, request: int, reason: str) -> None:
        pass


async def _broken(arguments: object) -> str:
    raise RuntimeError(f"{SAID} {arguments}")


async def _refusing(arguments: object) -> str:
    raise ToolError(f"{SAID} {arguments}")


SESSIONS, RESPONSES, CALLS = st.integers(0, 3), st.sampled_from(["r1", "r2"]), st.sampled_from(["c1", "c2", "c3"])
ARGUMENTS = st.sampled_from(
    [
        json.dumps({"text": SAID}),
        json.dumps({"label": SAID, "minutes": 1}),
        json.dumps({"percent": SAID}),
        json.dumps({"percent": 20}),
        json.dumps({SECRET: SAID}),
        SAID,
        "{}",
    ]
)
TOOLS = ["get_time", "set_timer", "set_volume", "announce", "set_alarm", "repeat", BROKEN, REFUSING, END_CONVERSATION]
EVENTS = st.one_of(
    st.sampled_from(
        [
            *(
                on.CardFound(),
                on.ActionPressed(),
                on.ActionReleased(),
                on.MutePressed(),
                on.EndAsked(),
                on.RetryAsked(),
            ),
            *(on.WakeWordHeard("hey_jarvis", 0.9, 50_000), on.TextAsked(1, SAID), on.SayAsked(2, SAID)),
            *(on.AlarmRang(SAID), on.CueEnded(Cue.DONE), on.MuteAsked(True), on.MuteAsked(False)),
            *(on.Spent(1, "2026-11-26", 6 * 10**8, 2 * 10**9, 10**8), on.VoiceHeard(1), on.VoiceGone(2)),
            *(on.CardLost("It was unplugged."), on.PlayoutEnded("i1", 900, cut_short=False)),
        ]
    ),
    st.builds(on.SessionOpened, SESSIONS),
    st.builds(on.SessionClosed, SESSIONS, st.sampled_from(on.Fault), st.just(SAID)),
    st.builds(on.SpeechStarted, SESSIONS, st.just("u1")),
    st.builds(on.SpeechStopped, SESSIONS, st.just("u1")),
    st.builds(on.ResponseCreated, SESSIONS, RESPONSES),
    st.builds(on.AnswerStarted, SESSIONS, RESPONSES, st.just("i1")),
    st.builds(on.ToolCalled, SESSIONS, RESPONSES, CALLS, st.sampled_from(TOOLS), ARGUMENTS, st.just((("x", SAID),))),
    st.builds(on.ToolFinished, SESSIONS, CALLS, st.sampled_from([SAID, f"error: {SAID}"])),
    st.builds(on.ResponseEnded, SESSIONS, RESPONSES, st.just(on.Status.COMPLETED)),
    st.builds(on.Transcribed, SESSIONS, st.just("u1"), st.sampled_from(on.Talker), st.just(SAID)),
    st.builds(on.TimedOut, st.sampled_from(on.Timer), st.integers(0, 4)),
)


@contextmanager
def listening() -> Iterator[list[str]]:
    """All that is logged, at DEBUG, and as the journal is sent it."""
    heard: list[str] = []
    unknown: set[str] = set()

    def send(text: str, /, **sent: Any) -> None:
        heard.append(repr((text, sent)))
        fields = {name for name in sent if name.isupper() and not name.startswith(("CODE_", "SYSLOG_"))}
        unknown.update(fields - FIELDS.keys() - {"PRIORITY", "LOGGER", "THREAD_NAME", "PROCESS_NAME"})

    root, ours = logging.getLogger(), logging.getLogger("speakerd")
    kept, levels = root.handlers[:], (root.level, ours.level)
    root.handlers = []
    set_up_logging("debug")
    root.handlers = [JournalHandler(sender_function=send)]
    try:
        yield heard
        assert unknown == set(), "not documented"
    finally:
        root.handlers = kept
        root.setLevel(levels[0])
        ours.setLevel(levels[1])


async def live(events: Sequence[on.Event], folder: Path) -> None:
    """A speaker without its devices, through all of these."""
    observers: list[Any] = []
    daemon = Daemon(RULES, observers)
    kept = kept_in(folder, daemon.post, asyncio.get_running_loop())
    observers += [Telling(Outlet(), Notifier()), write_down, Waits(), *kept.observers]
    faulty = [
        Tool(ToolSpec(name, "Fails.", {**parameters(), "additionalProperties": True}), run)
        for name, run in ((BROKEN, _broken), (REFUSING, _refusing))
    ]
    offered = everyday_tools(kept, daemon.post, lambda: 0.5, lambda level: None)
    tools = ToolRunner([*offered, *faulty], daemon.post, 0.5)
    audit = AuditFile(folder / "audit.jsonl")
    running = asyncio.create_task(daemon.run(replace(fake_devices(Told()), tools=tools, audit=audit)))
    for event in (*events, on.StopAsked()):
        daemon.post(event)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
    await running
    await tools.close()
    audit.close()


@limits(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, max_size=60))
def test_nothing_that_was_said_is_ever_logged(events: list[on.Event], tmp_path: Path) -> None:
    with listening() as heard:
        asyncio.run(live([on.CardFound(), *events], tmp_path), debug=False)
    assert heard
    assert [record for record in heard if SECRET in record] == []


def test_a_long_conversation_is_looked_through_and_a_leak_would_be_seen(tmp_path: Path) -> None:
    call = on.ToolCalled(1, "r1", "c1", BROKEN, json.dumps({SECRET: SAID}))
    talk: list[on.Event] = [on.CardFound(), on.ActionPressed(), on.SessionOpened(1), on.SpeechStopped(1, "u1")]
    talk += [on.ResponseCreated(1, "r1"), on.AnswerStarted(1, "r1", "i1"), call]
    with listening() as heard:
        asyncio.run(live(talk, tmp_path))
        logging.getLogger("speakerd.any").debug("%.1s", SAID)
    told = "\n".join(heard)
    words = ("A conversation begins with cloud", "'EVENT': 'AnswerStarted'", "'ITEM': 'i1'", "failed with RuntimeError")
    for word in words:
        assert word in told
    assert [SECRET in record for record in heard] == [False] * (len(heard) - 1) + [True]
