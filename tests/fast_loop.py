"""Fast time: an event loop whose clock stands still while anything can run, and then jumps to the next timer.

Sockets are real; both ends of a connection must live in this loop, so that nothing is under way which nobody sees. A
unix socket delivers at once; before it jumps, a loop with TCP sockets really waits for a moment. While work runs in
threads of `run_in_executor`, or within `real_time`, the clock waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import selectors
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor
from typing import Any, ParamSpec, TypeVar, TypeVarTuple, Unpack

P = ParamSpec("P")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")

_TCP_SECONDS = 0.001
"""For what is under way between two TCP sockets of this machine; also how often work elsewhere is looked for."""
_STUCK_SECONDS = 10.0
"""Real seconds without a timer and without an event, after which nothing is believed to come any more."""


class StuckError(AssertionError):
    """Nothing is ready, no timer runs and no work is under way: what is awaited can never happen."""


class FastLoop(asyncio.SelectorEventLoop):
    """A loop in fast time; `time()` begins at 0 and counts seconds that nobody waited for."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds of fast time."""
        return self._jumping.now

    @contextlib.contextmanager
    def real_time(self) -> Iterator[None]:
        """Let the clock stand still meanwhile, for what happens in another thread or process."""
        self._jumping.work_elsewhere += 1
        try:
            yield
        finally:
            self._jumping.work_elsewhere -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], R], *args: *Ts
    ) -> asyncio.Future[R]:
        """As in any loop; the clock waits for the end of it."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.work_elsewhere += 1
        future.add_done_callback(self._one_less)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as the loop has it
        """As in any loop; the clock waits for the end of the threads."""
        with self.real_time():
            await super().shutdown_default_executor()

    def _one_less(self, _: asyncio.Future[Any]) -> None:
        self._jumping.work_elsewhere -= 1


class _JumpingSelector(selectors.BaseSelector):
    """A selector that does not wait: it moves the clock instead."""

    def __init__(self) -> None:
        self.now = 0.0
        self.work_elsewhere = 0
        self._real = selectors.DefaultSelector()
        self._tcp: set[int] = set()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if self.work_elsewhere:
            return self._real.select(_TCP_SECONDS)
        if self._tcp and (ready := self._real.select(_TCP_SECONDS)):
            return ready
        if timeout is None:
            if ready := self._real.select(_STUCK_SECONDS):
                return ready
            raise StuckError("nothing is ready, no timer runs and no work is under way")
        self.now += max(timeout, 0.0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._real.register(fileobj, events, data)
        if isinstance(fileobj, socket.socket) and fileobj.family in (socket.AF_INET, socket.AF_INET6):
            self._tcp.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = self._real.unregister(fileobj)
        self._tcp.discard(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


def run_fast(story: Coroutine[Any, Any, R]) -> R:
    """Run to the end in fast time."""
    with asyncio.Runner(loop_factory=FastLoop) as runner:
        return runner.run(story)


def in_fast_time(story: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, R]:
    """Make a test of a coroutine: it runs in fast time."""

    @functools.wraps(story)
    def test(*args: P.args, **kwargs: P.kwargs) -> R:
        return run_fast(story(*args, **kwargs))

    return test


def fast_loop() -> FastLoop:
    """The running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FastLoop), "this runs in fast time only"
    return loop


async def promptly(awaited: Awaitable[R], seconds: float = 600.0) -> R:
    """What is awaited, or TimeoutError after so much fast time."""
    async with asyncio.timeout(seconds):
        return await awaited
