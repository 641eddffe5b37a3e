"""What the command line asks of the running speaker, over its control socket; answers are printed as they come."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from speakerd.service.client import request
from speakerd.service.wire import LONGEST_LINE
from speakerd.status_words import event_line, printable, status_lines

Words = Callable[[Mapping[str, Any]], str | None]
"""What to print of an answer; None for nothing."""

_STEP_PERCENT = 10
"""As the tools of the assistant have it."""


def wish(socket: Path, command: Mapping[str, object]) -> int:
    """Send a command that is answered by nothing but its end."""
    return _print(socket, command, lambda answer: None)


def say(socket: Path, words: Sequence[str], *, everywhere: bool) -> int:
    """Have a text spoken as it is, and wait until it has been heard; perhaps by the home's other speakers, too."""
    return wish(socket, {"do": "say", "text": _text(words), **({"everywhere": True} if everywhere else {})})


def ask(socket: Path, words: Sequence[str], *, aloud: bool) -> int:
    """Ask the assistant, and print what it says."""
    return _print(socket, {"do": "ask", "text": _text(words), "aloud": aloud}, _answer)


def status(socket: Path, *, follow: bool, as_json: bool) -> int:
    """Print what the speaker does; with `follow` until it ends or is interrupted."""
    return _print(socket, {"do": "follow" if follow else "status"}, json.dumps if as_json else _told)


def volume(socket: Path, level: int | str | None) -> int:
    """Print how loud it is, after it was made so loud in percent, or a step "up" or "down"."""
    match level:
        case None:
            change = {}
        case int():
            change = {"percent": level}
        case _:
            change = {"by": _STEP_PERCENT if level == "up" else -_STEP_PERCENT}
    return _print(socket, {"do": "volume", **change}, lambda answer: f"{answer.get('percent')} percent")


def _text(words: Sequence[str]) -> str:
    """The words of a command line, or what comes from stdin in place of a lone "-"."""
    if list(words) != ["-"]:
        return " ".join(words)
    # More than a line would be refused, and need not be read to its end.
    return sys.stdin.buffer.read(LONGEST_LINE + 1).decode(errors="replace")


def _answer(answer: Mapping[str, Any]) -> str | None:
    return printable(str(answer["text"])) if answer.get("event") == "transcript" else None


def _told(message: Mapping[str, Any]) -> str | None:
    return "\n".join(status_lines(message)) if message.get("event") == "snapshot" else event_line(message)


def _print(socket: Path, command: Mapping[str, object], words: Words) -> int:
    try:
        asyncio.run(_print_answers(socket, command, words))
    except BrokenPipeError:
        # Whoever read what we print has left, as `head` does; at the end Python would complain of it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


async def _print_answers(socket: Path, command: Mapping[str, object], words: Words) -> None:
    async with aclosing(request(socket, command)) as answers:
        async for answer in answers:
            line = words(answer)
            if line is not None:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
