from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest

from speakerd.core.events import Event, ToolFinished
from speakerd.errors import ToolError
from speakerd.ports import Tools, ToolSpec
from speakerd.tools.registry import MOST_OUTPUT_BYTES, ToolRunner
from speakerd.tools.tool import Tool, parameters


class Inbox:
    """Keeps what was posted, and lets a test wait for it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._queue: asyncio.Queue[Event] = asyncio.Queue()

    def post(self, event: Event) -> None:
        self.events.append(event)
        self._queue.put_nowait(event)

    async def next(self) -> Event:
        async with asyncio.timeout(5):
            return await self._queue.get()


def tool(
    run: Callable[[Mapping[str, object]], Awaitable[str]], name: str = "act", deadline_seconds: float | None = None
) -> Tool:
    return Tool(ToolSpec(name, "Does something.", parameters(count={"type": "integer"})), run, deadline_seconds)


async def echo(arguments: Mapping[str, object]) -> str:
    return f"Got {arguments}."


async def refuse(_: Mapping[str, object]) -> str:
    raise ToolError("The lamp has no power: plug it in.")


async def break_down(_: Mapping[str, object]) -> str:
    raise KeyError("the user's secret")


def break_before_waiting(_: Mapping[str, object]) -> Awaitable[str]:
    raise OSError("no such device")


async def answer_wrongly(_: Mapping[str, object]) -> str:
    return None  # type: ignore[return-value]


async def cancel_itself(_: Mapping[str, object]) -> str:
    raise asyncio.CancelledError


async def wait_for_ever(_: Mapping[str, object]) -> str:
    await asyncio.Event().wait()
    return "never"


async def talk_on(_: Mapping[str, object]) -> str:
    return "é" * 10_000


@pytest.mark.parametrize(
    ("run", "arguments", "output"),
    [
        (echo, '{"count": 2}', "Got {'count': 2}."),
        (echo, "{}", "Got {}."),
        (echo, "{", "error: The arguments are not valid JSON: send one JSON object."),
        (echo, '{"count": "two"}', 'error: "count" must be a whole number.'),
        (refuse, "{}", "error: The lamp has no power: plug it in."),
        (break_down, "{}", 'error: "act" failed.'),
        (break_before_waiting, "{}", 'error: "act" failed.'),
        (answer_wrongly, "{}", 'error: "act" failed.'),
        (cancel_itself, "{}", "error: The tool was cancelled."),
        (wait_for_ever, "{}", 'error: "act" did not answer within 0.05 seconds.'),
    ],
)
async def test_every_call_is_answered_once(
    run: Callable[[Mapping[str, object]], Awaitable[str]], arguments: str, output: str
) -> None:
    inbox = Inbox()
    runner = ToolRunner([tool(run)], inbox.post, deadline_seconds=0.05)
    runner.run(3, "call_1", "act", arguments)
    assert await inbox.next() == ToolFinished(3, "call_1", output)
    await runner.close()
    assert len(inbox.events) == 1


@pytest.mark.parametrize(
    ("run", "failed"), [(echo, False), (refuse, True), (break_down, True), (cancel_itself, True), (wait_for_ever, True)]
)
async def test_an_answer_says_whether_the_tool_failed(
    run: Callable[[Mapping[str, object]], Awaitable[str]], failed: bool
) -> None:
    inbox = Inbox()
    ToolRunner([tool(run)], inbox.post, deadline_seconds=0.05).run(1, "call_1", "act", "{}")
    finished = await inbox.next()
    assert isinstance(finished, ToolFinished)
    assert finished.failed is failed


@pytest.mark.parametrize("run", [echo, refuse, break_down, wait_for_ever])
@pytest.mark.parametrize("reads_outside", [True, False])
async def test_an_answer_says_whether_it_may_be_a_strangers_words(
    run: Callable[[Mapping[str, object]], Awaitable[str]], reads_outside: bool
) -> None:
    """An error may, too: it is what the outside said."""
    inbox = Inbox()
    known = replace(tool(run), reads_outside=reads_outside)
    ToolRunner([known], inbox.post, deadline_seconds=0.05).run(1, "call_1", "act", "{}")
    finished = await inbox.next()
    assert isinstance(finished, ToolFinished)
    assert finished.is_strangers is reads_outside


async def test_an_unknown_tool_is_answered_with_the_known_ones() -> None:
    inbox = Inbox()
    runner = ToolRunner([tool(echo, "b"), tool(echo, "a")], inbox.post, deadline_seconds=1)
    runner.run(1, "call_1", "unlock", "{}")
    assert inbox.events == [ToolFinished(1, "call_1", 'error: There is no tool "unlock": the tools are a, b.')]


async def test_a_long_output_is_cut_between_characters() -> None:
    inbox = Inbox()
    runner = ToolRunner([tool(talk_on)], inbox.post, deadline_seconds=5)
    runner.run(1, "call_1", "act", "")
    finished = await inbox.next()
    assert isinstance(finished, ToolFinished)
    assert MOST_OUTPUT_BYTES - 2 <= len(finished.output.encode()) <= MOST_OUTPUT_BYTES
    assert set(finished.output.removesuffix(" … (cut short)")) == {"é"}


async def test_calls_run_beside_each_other_and_may_end_in_any_order() -> None:
    inbox, released = Inbox(), asyncio.Event()

    async def wait(_: Mapping[str, object]) -> str:
        await released.wait()
        return "late"

    runner = ToolRunner([tool(wait, "slow"), tool(echo, "quick")], inbox.post, deadline_seconds=5)
    runner.run(1, "call_1", "slow", "{}")
    runner.run(2, "call_2", "quick", "{}")
    assert await inbox.next() == ToolFinished(2, "call_2", "Got {}.")
    released.set()
    assert await inbox.next() == ToolFinished(1, "call_1", "late")


async def test_an_output_waits_for_nothing_that_came_up_while_the_tool_ran() -> None:
    order: list[str] = []
    done = asyncio.Event()

    async def act(_: Mapping[str, object]) -> str:
        asyncio.get_running_loop().call_soon(order.append, "other work")
        asyncio.get_running_loop().call_soon(done.set)
        return "acted"

    ToolRunner([tool(act)], lambda event: order.append("finished"), deadline_seconds=5).run(1, "call_1", "act", "{}")
    async with asyncio.timeout(5):
        await done.wait()
    assert order == ["finished", "other work"]


async def test_a_tool_may_have_a_deadline_of_its_own() -> None:
    inbox = Inbox()
    runner = ToolRunner([tool(wait_for_ever, deadline_seconds=0.01)], inbox.post, deadline_seconds=60)
    runner.run(1, "call_1", "act", "{}")
    assert await inbox.next() == ToolFinished(1, "call_1", 'error: "act" did not answer within 0.01 seconds.')


async def test_closing_answers_what_is_open_and_cancels_it() -> None:
    inbox, begun, cancelled = Inbox(), asyncio.Event(), asyncio.Event()

    async def wait(_: Mapping[str, object]) -> str:
        begun.set()
        try:
            return await wait_for_ever({})
        finally:
            cancelled.set()

    runner = ToolRunner([tool(wait)], inbox.post, deadline_seconds=60)
    runner.run(1, "call_1", "act", "{}")
    runner.run(1, "call_2", "act", "{}")
    await begun.wait()
    await runner.close()
    assert cancelled.is_set()
    runner.run(1, "call_3", "act", "{}")
    stopping = "error: The speaker is shutting down."
    assert inbox.events == [ToolFinished(1, f"call_{number}", stopping) for number in (1, 2, 3)]


@pytest.mark.parametrize("deadline_seconds", [0.01, 60])
async def test_a_tool_that_swallows_its_cancellation_holds_nobody_up(
    deadline_seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    inbox, begun, released, ended = Inbox(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stay(_: Mapping[str, object]) -> str:
        begun.set()
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        ended.set()
        raise ValueError("too late for anybody to hear")

    runner = ToolRunner([tool(stay)], inbox.post, deadline_seconds)
    runner.run(1, "call_1", "act", "{}")
    await begun.wait()
    if deadline_seconds < 1:
        await inbox.next()
    async with asyncio.timeout(5):
        await runner.close()
    assert "tool act does not end when cancelled and is left behind." in caplog.messages
    released.set()
    await ended.wait()
    assert len(inbox.events) == 1


async def test_a_failure_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox()
    runner = ToolRunner([tool(break_down)], inbox.post, deadline_seconds=1)
    with caplog.at_level(logging.DEBUG):
        runner.run(1, "call_1", "act", '{"count": 77777}')
        await inbox.next()
    assert "The tool act failed with KeyError at " in caplog.text
    assert "test_tools_registry.py:" in caplog.text
    assert "secret" not in caplog.text
    assert "77777" not in caplog.text


def test_tools_are_listed_by_name_and_names_are_unique() -> None:
    runner: Tools = ToolRunner([tool(echo, "b"), tool(echo, "a"), tool(echo, "c")], Inbox().post, 1)
    assert isinstance(runner, ToolRunner)
    assert [spec.name for spec in runner.specs()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match='Two tools are named "a"'):
        ToolRunner([tool(echo, "a"), tool(refuse, "a")], Inbox().post, 1)


class Shelf:
    """A source whose tools a test takes and puts back."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def tools(self) -> tuple[Tool, ...]:
        return tuple(tool(echo, name) for name in self.names)


async def test_tools_of_sources_come_and_go_and_never_replace_the_speakers_own() -> None:
    inbox, shelf, other = Inbox(), Shelf("home_c"), Shelf("home_c", "act")
    runner = ToolRunner([tool(refuse)], inbox.post, 1, [shelf, other])
    assert [spec.name for spec in runner.specs()] == ["act", "home_c"]
    shelf.names = ("home_c", "home_a")
    assert [spec.name for spec in runner.specs()] == ["act", "home_a", "home_c"]
    runner.run(1, "call_1", "home_a", '{"count": 2}')
    assert await inbox.next() == ToolFinished(1, "call_1", "Got {'count': 2}.")
    runner.run(1, "call_2", "act", "{}")
    assert await inbox.next() == ToolFinished(1, "call_2", "error: The lamp has no power: plug it in.")
    shelf.names = ()
    runner.run(1, "call_3", "home_a", "{}")
    assert await inbox.next() == ToolFinished(
        1, "call_3", 'error: There is no tool "home_a": the tools are act, home_c.'
    )


@pytest.mark.parametrize("is_cancellable", [True, False])
async def test_a_call_is_ended_for_an_interruption_only_where_that_is_safe(is_cancellable: bool) -> None:
    inbox = Inbox()
    known = replace(tool(wait_for_ever), is_cancellable=is_cancellable)
    runner = ToolRunner([known], inbox.post, deadline_seconds=5.0)
    for number in (1, 2):
        runner.run(1, f"call_{number}", "act", "{}")
    runner.cancel("call_1")
    runner.cancel("call_1")
    runner.cancel("call_9")
    given_up = ToolFinished(1, "call_1", "error: The user interrupted; it was given up.")
    assert inbox.events == ([given_up] if is_cancellable else [])
    await runner.close()
    finished = [event.call_id for event in inbox.events if isinstance(event, ToolFinished)]
    assert finished == ["call_1", "call_2"]
