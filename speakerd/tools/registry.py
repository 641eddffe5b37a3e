"""Runs tools beside the loop. Every call is answered by exactly one ToolFinished, whatever the tool does.

A failure is an output too: it begins with "error: " and goes on with a sentence for the model.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from speakerd.core.events import ToolFinished
from speakerd.errors import ToolError
from speakerd.ports import Post, ToolSpec
from speakerd.tools.tool import Tool, ToolSource, read_arguments

MOST_OUTPUT_BYTES = 8192
"""Size of an output in UTF-8; a model pays for every word that it is told."""

_CUT_MARK = " … (cut short)"
_CLOSING_SECONDS = 1.0
_INTERRUPTED = "error: The user interrupted; it was given up."
_STOPPING = "error: The speaker is shutting down."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Call:
    session: int
    call_id: str
    tool: Tool
    deadline: asyncio.TimerHandle

    def finished(self, output: str) -> ToolFinished:
        """Words from outside may be in an error, too."""
        return ToolFinished(self.session, self.call_id, output, is_strangers=self.tool.reads_outside)


class ToolRunner:
    """The tools that a model may call; lives in the loop's thread. Raises ValueError when two share a name.

    Those of the sources come and go; where one has the name of another, the first counts, and the speaker's own before.
    """

    def __init__(
        self, tools: Iterable[Tool], post: Post, deadline_seconds: float, sources: Iterable[ToolSource] = ()
    ) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            if self._tools.setdefault(tool.spec.name, tool) is not tool:
                raise ValueError(f'Two tools are named "{tool.spec.name}".')
        self._sources = tuple(sources)
        self._post = post
        self._deadline_seconds = deadline_seconds
        self._calls: dict[asyncio.Task[None], _Call] = {}
        self._given_up: set[asyncio.Task[None]] = set()
        self._is_closed = False

    def specs(self) -> tuple[ToolSpec, ...]:
        """All tools of now by name, in an order that never changes (endpoints cache by it)."""
        known = self._known()
        return tuple(known[name].spec for name in sorted(known))

    def run(self, session: int, call_id: str, name: str, arguments: str) -> None:
        """Start a call with the arguments as the model wrote them; ToolFinished follows always."""
        try:
            tool, checked = self._checked(name, arguments)
        except ToolError as error:
            self._post(ToolFinished(session, call_id, _capped(f"error: {error}")))
            return
        seconds = self._deadline_seconds if tool.deadline_seconds is None else tool.deadline_seconds
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._run(tool, checked), name=f"tool {name}")
        deadline = loop.call_later(seconds, self._time_out, task, seconds)
        self._calls[task] = _Call(session, call_id, tool, deadline)
        task.add_done_callback(self._end)

    def cancel(self, call_id: str) -> None:
        """Nobody waits for a call any more: end it if its tool says that this is safe."""
        for task, call in list(self._calls.items()):
            if call.call_id == call_id and call.tool.is_cancellable:
                self._give_up(task, _INTERRUPTED)

    async def close(self) -> None:
        """Answer what is open with an error and cancel it; a tool that will not end is left behind."""
        self._is_closed = True
        for task in list(self._calls):
            self._give_up(task, _STOPPING)
        if not self._given_up:
            return
        _, stuck = await asyncio.wait(self._given_up, timeout=_CLOSING_SECONDS)
        for task in stuck:
            _log.warning("%s does not end when cancelled and is left behind.", task.get_name())

    def _known(self) -> Mapping[str, Tool]:
        found = dict(self._tools)
        for source in self._sources:
            for tool in source.tools():
                found.setdefault(tool.spec.name, tool)
        return found

    def _checked(self, name: str, arguments: str) -> tuple[Tool, Mapping[str, object]]:
        if self._is_closed:
            raise ToolError("The speaker is shutting down.")
        known = self._known()
        tool = known.get(name)
        if tool is None:
            raise ToolError(f'There is no tool "{name}": the tools are {", ".join(sorted(known)) or "none"}.')
        return tool, read_arguments(arguments, tool.spec.parameters)

    async def _run(self, tool: Tool, arguments: Mapping[str, object]) -> None:
        output = await _output(tool, arguments)
        if task := asyncio.current_task():
            self._answer(task, output)  # not when the task has ended: other work might come between

    def _end(self, task: asyncio.Task[None]) -> None:
        self._given_up.discard(task)
        self._answer(task, "error: The tool was cancelled.")

    def _answer(self, task: asyncio.Task[None], output: str) -> None:
        """Nothing if it was answered already."""
        call = self._calls.pop(task, None)
        if call is not None:
            call.deadline.cancel()
            self._post(call.finished(output))

    def _time_out(self, task: asyncio.Task[None], seconds: float) -> None:
        name = self._calls[task].tool.spec.name
        _log.warning("The tool %s did not answer within %g seconds.", name, seconds)
        self._give_up(task, f'error: "{name}" did not answer within {seconds:g} seconds.')

    def _give_up(self, task: asyncio.Task[None], output: str) -> None:
        """Answer in the task's place at once: a tool may swallow its cancellation."""
        self._answer(task, output)
        self._given_up.add(task)
        task.cancel()


async def _output(tool: Tool, arguments: Mapping[str, object]) -> str:
    try:
        return _capped(await tool.run(arguments))
    except ToolError as error:
        return _capped(f"error: {error}")
    except Exception as error:  # noqa: BLE001 - the one place where a stranger's bug must not end the speaker
        # The exception's own text may hold what the user said: only its kind and place are logged.
        place = traceback.extract_tb(error.__traceback__)[-1]
        _log.error(
            "The tool %s failed with %s at %s:%d.", tool.spec.name, type(error).__name__, place.filename, place.lineno
        )
        return f'error: "{tool.spec.name}" failed.'


def _capped(output: str) -> str:
    encoded = output.encode("utf-8", "replace")
    if len(encoded) > MOST_OUTPUT_BYTES:
        encoded = encoded[: MOST_OUTPUT_BYTES - len(_CUT_MARK.encode())]
        return encoded.decode("utf-8", "ignore") + _CUT_MARK
    return encoded.decode("utf-8")
