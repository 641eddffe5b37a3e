"""What the offline assistant makes of words: a tool call for a tool's phrase, small talk otherwise."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

from speakerd.offline.brain import Call, Part, Say
from speakerd.offline.grammar_commands import command_in, commands
from speakerd.offline.small_talk import ANSWERS, HELP, REPEAT, SMALL_TALK, STOP
from speakerd.ports import ToolSpec

_ENDING = "end_conversation"
_REPEATING = "repeat"
"""The tool that knows what was said before this conversation."""
_ERROR = "error: "
_MOST_WORDS = 60
_MOST_MISSES = 3
"""Nobody speaks to us so often in a row and is never understood: that is a television."""
_NOT_UNDERSTOOD = (
    "Sorry, I did not understand that.",
    "I'm not sure what you mean. Ask me what I can do.",
    "Could you say that in another way?",
)


class Phrasebook:
    """Understanding by phrases; one for each session, because answers take turns."""

    def __init__(self) -> None:
        self._turns = {topic: itertools.cycle(answers) for topic, answers in ANSWERS.items()}
        self._not_understood = itertools.cycle(_NOT_UNDERSTOOD)
        self._misses = 0
        self._last = ""

    def answer(self, text: str, tools: Sequence[ToolSpec]) -> Sequence[Part]:
        """See Understanding."""
        parts = list(self._parts(text, tools))
        self._remember(parts)
        return parts

    def report(self, outputs: Sequence[tuple[str, str]]) -> Sequence[Part]:
        """See Understanding."""
        spoken = [_spoken(output) for _, output in outputs]
        parts: list[Part] = [Say(_capped(" ".join(text for text in spoken if text) or "Done."))]
        self._remember(parts)
        return parts

    def _parts(self, text: str, tools: Sequence[ToolSpec]) -> Iterator[Part]:
        found = command_in(text, commands([*tools, *SMALL_TALK]), freely=True)
        names = {tool.name for tool in tools}
        self._misses = self._misses + 1 if found is None else 0
        match found:
            case None if self._misses >= _MOST_MISSES and _ENDING in names:
                yield Say("I will be quiet now.")
                yield Call(_ENDING, {})
            case None:
                yield Say(next(self._not_understood))
            case (name, arguments) if name in names:
                if name == _ENDING:
                    yield Say("Goodbye.")
                yield Call(name, arguments)
            case (topic, _) if topic == STOP:
                yield Say("Goodbye.")
                if _ENDING in names:
                    yield Call(_ENDING, {})
            case (topic, _) if topic == HELP:
                yield Say(_help(tools))
            case (topic, _) if topic == REPEAT and not self._last and _REPEATING in names:
                yield Call(_REPEATING, {})
            case (topic, _) if topic == REPEAT:
                yield Say(self._last or "I have not said anything yet.")
            case (topic, _):
                yield Say(next(self._turns[topic]))

    def _remember(self, parts: Sequence[Part]) -> None:
        said = " ".join(part.text for part in parts if isinstance(part, Say))
        self._last = said or self._last


def _help(tools: Sequence[ToolSpec]) -> str:
    can = [tool.description.split(".")[0].strip() for tool in tools if tool.description and tool.name != _ENDING]
    return _capped("This is what I can do. " + " ".join(f"{what}." for what in can) + " I can also tell you a story.")


def _spoken(output: str) -> str:
    if output.startswith(_ERROR):
        return f"Sorry, that did not work. {output.removeprefix(_ERROR)}"
    try:
        value = json.loads(output)
    except ValueError:
        return output
    if not isinstance(value, dict):
        return str(value)
    for key in ("message", "answer"):
        if isinstance(value.get(key), str):
            return str(value[key])
    return " ".join(f"{key.replace('_', ' ')}: {part}." for key, part in value.items())


def _capped(text: str) -> str:
    words = text.split()
    return text if len(words) <= _MOST_WORDS else " ".join(words[:_MOST_WORDS]) + " and so on."
