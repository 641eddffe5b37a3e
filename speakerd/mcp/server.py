"""A server as the owner described it: how it is reached, and what may be done with it; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from speakerd.mcp.offered import OfferedTool


@dataclass(frozen=True, slots=True)
class Program:
    """A server that the speaker starts."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Site:
    """A server on the network."""

    urls: tuple[str, ...]
    """Tried in this order, while there is no server of tools."""
    token: str | None = field(default=None, repr=False)


def _nothing() -> Mapping[str, object]:
    return {}


def _as_it_is(name: str) -> str:
    return name


def _always(_: str) -> bool:
    return True


def _same(_name: str, schema: Mapping[str, object]) -> Mapping[str, object]:
    return schema


def _no_objection(_url: str, _tools: Sequence[OfferedTool]) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Server:
    """A server of tools."""

    name: str
    """What its tools begin with."""
    title: str
    """What it is called in sentences."""
    way: Program | Site
    globs: tuple[str, ...] = ("*",)
    """Which of its tools are offered."""
    connect_seconds: float = 15.0
    call_seconds: float = 10.0
    short: Callable[[str], str] = _as_it_is
    """What of a tool's name is kept."""
    reads_outside: Callable[[str], bool] = _always
    """Whether what a tool tells, by its short name, may be a stranger's words."""
    objection: Callable[[str, Sequence[OfferedTool]], str | None] = _no_objection
    """Why what is offered at a URL must not be used, if so, in words that follow "because"."""
    schema: Callable[[str, Mapping[str, object]], Mapping[str, object]] = _same
    """What a tool's arguments must be, by its short name and what the server says of them."""
    meta: Callable[[], Mapping[str, object]] = _nothing
    """What is told beside the arguments of each call."""
