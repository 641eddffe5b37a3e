"""`speakerd tools`: what the running speaker's assistant may do, and what needs its owner's hand or word."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, TextIO

from speakerd.service.client import request
from speakerd.settings import Settings
from speakerd.status_words import printable

_MOST_WORDS = 60


def run(settings: Settings, *, as_json: bool, out: TextIO | None = None) -> int:
    """Print them; raises ControlError where no speaker runs."""
    out = out or sys.stdout
    tools = asyncio.run(_tools(Path(settings.control.socket)))
    if as_json:
        out.write(json.dumps({"tools": tools}) + "\n")
    else:
        out.writelines(f"{line}\n" for line in lines(tools))
    return 0


def lines(tools: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row for each tool: its verdict, and below it the arguments for which it is another one."""
    width = max((len(str(tool["name"])) for tool in tools), default=0)
    rows = []
    for tool in tools:
        rows.append(f"{printable(tool['name']):<{width}}  {tool['verdict']:<7}  {_cut(printable(tool['description']))}")
        rows += [f"{'':<{width}}  {rule['verdict']:<7}  {printable(_when(rule))}" for rule in tool["rules"]]
    return rows


def _when(rule: Mapping[str, Any]) -> str:
    """For which calls a rule is."""
    ways = (("where ", " and ".join(rule["where"])), ("unless ", " or ".join(rule["unless"])))
    return ", ".join(word + told for word, told in ways if told)


async def _tools(socket: Path) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    async with aclosing(request(socket, {"do": "tools"})) as answers:
        async for answer in answers:
            found = answer.get("tools", [])
    return found


def _cut(text: str) -> str:
    """The beginning of a text, in one line."""
    words = " ".join(text.split())
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS].rstrip()} …"
