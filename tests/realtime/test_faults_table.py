"""Every fault at every step of a conversation: the user is never left without an answer or a reason, nor for good.

What the table demands of every cell is in `check_laws`; how many tries the user needs depends on the kind of fault.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from fast_loop import in_fast_time
from fault_kinds import (
    COMMITTED,
    CONNECT,
    CREATED,
    IDLE,
    LADDER,
    MID_AUDIO,
    REPLAY,
    UNTIL_ANSWERED,
    UPDATED,
    Cut,
    Delay,
    FailResponse,
    Fault,
    HalfOpen,
    SendError,
    Silent,
    SlowReader,
    Step,
    Trouble,
)
from fault_story import House, Try, house
from fault_table import (
    ALSO_BREAKING,
    ALSO_FATAL,
    ALSO_HARMLESS,
    BENIGN,
    BREAKING,
    DUMB,
    FATAL,
    FOR_EVER,
    HARMLESS,
    NONSENSE,
    SECRET,
    UPGRADES,
)
from speakerd.core.lights import Light

_UNSPEAKABLE = ("noon", "story", "fox", "forest", "goodbye", "hello", SECRET, "zebra")
"""Words of either side, and the key: none of them is ever logged."""
_SOONER_SECONDS = 15.0
"""The user waits no longer for an answer or a reason, where the fault can be seen."""
_LATER_SECONDS = 62.0
"""Nor longer than this where only time can tell."""


_MOMENT_SECONDS = 6.0
"""Nor longer than this for an answer for which a new session is needed."""
_BEFORE_ANY_EVENT = Cut | Silent | HalfOpen | Delay | SlowReader
_SOME_STEPS = (UPDATED, COMMITTED, MID_AUDIO, IDLE)
"""For what differs from another fault only on the wire."""


def cells(
    *rows: tuple[Mapping[str, Fault], Sequence[Step]], which: Callable[[Fault, Step], bool] = lambda fault, step: True
) -> pytest.MarkDecorator:
    """Faults at steps, where they make sense."""
    table = {
        f"{name}, {step}": (fault, step)
        for faults, steps in rows
        for name, fault in faults.items()
        for step in steps
        if (step is not CONNECT or isinstance(fault, _BEFORE_ANY_EVENT)) and which(fault, step)
    }
    return pytest.mark.parametrize(("fault", "step"), table.values(), ids=table.keys())


async def told(folder: Path, *troubles: Trouble, servers: int = 1) -> House:
    """The story, and after it another conversation with a server that behaves."""
    async with house(folder, *troubles, servers=servers) as home:
        await home.converse()
        home.server.troubles = ()
        home.afterwards = [await home.ask("hello", "hello you too")]
        await home.until_quiet()
        home.afterwards.append(await home.ask("goodbye", "bye bye"))
        assert await home.until(lambda: home.is_idle)
    check_laws(home)
    return home


def check_laws(home: House) -> None:
    """What holds whatever happened."""
    aftermath = home.aftermath
    assert not aftermath.loop_errors
    assert not aftermath.left_tasks
    assert not aftermath.left_descriptors
    assert all(server.most_active <= 1 for server in home.servers), "two responses at once"
    assert all(attempt.is_answered for attempt in home.afterwards), "the next wake word does not help"
    lines = [record.getMessage() for record in aftermath.log]
    lines += ["".join(traceback.format_exception(*record.exc_info)) for record in aftermath.log if record.exc_info]
    assert not [line for line in lines if any(word in line.lower() for word in _UNSPEAKABLE)]
    complaints = [record.getMessage() for record in aftermath.log if record.levelname in ("WARNING", "ERROR")]
    assert len(set(complaints)) == len(complaints), "the same is complained of twice"


def unanswered(home: House) -> list[Try]:
    return [attempt for attempt in home.tries if not attempt.is_answered]


def is_explained(attempt: Try) -> bool:
    """Whether the user was told that there will be no answer."""
    return attempt.told and attempt.light is not Light.IDLE


@cells((HARMLESS, LADDER), (ALSO_HARMLESS, _SOME_STEPS))
@in_fast_time
async def test_nobody_notices(tmp_path: Path, fault: Fault, step: Step) -> None:
    home = await told(tmp_path, Trouble(step, fault))
    assert home.server.struck
    assert not unanswered(home)
    assert not home.player.cues
    assert [attempt.woke for attempt in home.tries] == [True, False, True, False]


@pytest.mark.parametrize("code", BENIGN)
@in_fast_time
async def test_a_race_that_is_lost_is_logged_once(tmp_path: Path, code: str) -> None:
    home = await told(tmp_path, *(Trouble(step, SendError(BENIGN[code])) for step in (COMMITTED, MID_AUDIO, IDLE)))
    assert len(home.server.struck) == 3
    assert not unanswered(home)
    assert not home.player.cues
    assert len([record for record in home.aftermath.log if "ignored error" in record.getMessage()]) == 1


def is_talk(fault: Fault, step: Step) -> bool:
    """Whether it can be a server that speaks the protocol; one that never did is a wrong address."""
    return fault not in NONSENSE.values() or step not in (CREATED, UPDATED)


@cells((BREAKING, LADDER), (ALSO_BREAKING, _SOME_STEPS), (NONSENSE, _SOME_STEPS), which=is_talk)
@in_fast_time
async def test_a_session_that_breaks_costs_a_moment(tmp_path: Path, fault: Fault, step: Step) -> None:
    home = await told(tmp_path, Trouble(step, fault))
    assert home.server.struck
    # Of an answer that broke off the beginning was heard: it is not asked for again.
    assert [attempt.words for attempt in unanswered(home)] in ([], ["what time is it"] if step is MID_AUDIO else [])
    assert not home.player.cues
    assert all(attempt.ended - attempt.began < _MOMENT_SECONDS for attempt in home.tries if attempt.is_answered)
    if not isinstance(fault, FailResponse):  # after which this server's mind begins anew
        assert len(home.calls) == len([attempt for attempt in home.tries if attempt.words == "what time is it"])
    assert len(home.server.sessions) <= 4


RETOLD = {**{name: SendError(each) for name, each in BENIGN.items()}, **HARMLESS, **BREAKING}


@pytest.mark.parametrize("name", RETOLD)
@in_fast_time
async def test_a_fault_while_the_next_session_is_told_what_was_said(tmp_path: Path, name: str) -> None:
    home = await told(tmp_path, Trouble(IDLE, Cut()), Trouble(REPLAY, RETOLD[name], session=2))
    assert len(home.server.struck) == 2
    assert not unanswered(home)
    # A second session that breaks before anything was said is told, and the user wakes a third.
    assert len(home.player.cues) == (name in BREAKING and not isinstance(BREAKING[name], FailResponse))
    ours = [line.event for line in home.server.lines if line.session == 2 and not line.sent]
    items = [event["item"] for event in ours if "item" in event]
    texts = [part["text"] for item in items for part in item.get("content", []) if "text" in part]
    assert texts[:2] == ["what time is it", "it is noon"][: len(texts)]
    assert texts


@cells((DUMB, LADDER))
@in_fast_time
async def test_a_dumb_server_is_given_up(tmp_path: Path, fault: Fault, step: Step) -> None:
    home = await told(tmp_path, Trouble(step, fault))
    assert home.server.struck
    assert len(unanswered(home)) <= 1
    assert all(attempt.ended - attempt.began < _LATER_SECONDS for attempt in home.tries)


@cells((FATAL, LADDER), (ALSO_FATAL, _SOME_STEPS), (NONSENSE, (CREATED, UPDATED)))
@in_fast_time
async def test_what_only_the_owner_can_mend_is_told(tmp_path: Path, fault: Fault, step: Step) -> None:
    home = await told(tmp_path, Trouble(step, fault))
    assert home.server.struck
    lost = unanswered(home)
    assert len(lost) <= 1
    assert all(is_explained(attempt) for attempt in lost)
    assert all(attempt.ended - attempt.began < _SOONER_SECONDS for attempt in home.tries)


@pytest.mark.parametrize("refusal", UPGRADES)
@in_fast_time
async def test_a_refused_upgrade_is_told_at_once(tmp_path: Path, refusal: str) -> None:
    home = await told(tmp_path, Trouble(CONNECT, UPGRADES[refusal], for_ever=True))
    assert len(unanswered(home)) == len(home.tries)
    assert all(is_explained(attempt) for attempt in home.tries)
    assert all(attempt.ended - attempt.began < _SOONER_SECONDS for attempt in home.tries)


@cells((FOR_EVER, UNTIL_ANSWERED))
@in_fast_time
async def test_what_goes_on_for_ever_is_told_each_time(tmp_path: Path, fault: Fault, step: Step) -> None:
    home = await told(tmp_path, Trouble(step, fault, for_ever=True))
    assert unanswered(home)
    assert all(is_explained(attempt) for attempt in unanswered(home))
    assert all(attempt.ended - attempt.began < _SOONER_SECONDS for attempt in home.tries)
    # Two for a try, and those of the conversation after it.
    assert len(home.server.sessions) <= 2 * len(home.tries) + 2


@cells((FOR_EVER, UNTIL_ANSWERED), (FATAL, _SOME_STEPS))
@in_fast_time
async def test_another_endpoint_takes_over(tmp_path: Path, fault: Fault, step: Step) -> None:
    home = await told(tmp_path, Trouble(step, fault, for_ever=True), servers=2)
    assert [attempt.words for attempt in unanswered(home)] in ([], ["what time is it"] if step is MID_AUDIO else [])
    assert home.servers[1].sessions


@pytest.mark.parametrize(("fault", "is_stuck"), [(Delay(12.0), False), (Silent(), True)])
@in_fast_time
async def test_an_answer_that_stops_is_slow_or_stuck(tmp_path: Path, fault: Fault, is_stuck: bool) -> None:
    home = await told(tmp_path, Trouble(MID_AUDIO, fault))
    assert bool(unanswered(home)) is is_stuck
    assert all(attempt.ended - attempt.began < 30 for attempt in home.tries)
    reasons = [record for record in home.aftermath.log if "in the middle of an answer" in record.getMessage()]
    assert len(reasons) == is_stuck
