"""What users say for the tools of a session: their phrases, or phrases made from a tool's name. Pure.

Every sentence may begin with a wake word, because the pre-roll holds it, and with courtesies.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from speakerd.errors import ConfigurationError
from speakerd.offline.grammar import FILLERS, Arguments, Node, Series, filled, matches, parse
from speakerd.offline.grammar_values import words_of
from speakerd.ports import ToolSpec

_log = logging.getLogger(__name__)

_WAKE_WORD = parse("[[hey|okay] (jarvis|alexa|mycroft|rhasspy|nabu|computer)]")
_BEFORE = parse("[please|(can|could|would|will) you [please]]")
_AFTER = parse("[please]")

_QUESTIONS = frozenset(["get", "query", "fetch", "check", "read", "show", "tell", "list", "find"])
"""First words of a tool's name that mean a question."""
_TIE = "[in|for|of|to|at|on|from|with|by]"


@dataclass(frozen=True, slots=True)
class Command:
    """One phrase of a tool, its parameters filled in."""

    tool: str
    phrase: Node
    is_polite: bool
    """Whether courtesies may surround it; they also make it easier to hear it in what was not meant."""

    @property
    def sentence(self) -> Node:
        """The phrase with what may come before and after it."""
        return Series((_WAKE_WORD, _BEFORE, self.phrase, _AFTER) if self.is_polite else (_WAKE_WORD, self.phrase))


def commands(tools: Sequence[ToolSpec], is_polite: bool = True) -> tuple[Command, ...]:
    """Every phrase that can be said, in the order of the tools; a phrase that cannot be read is logged and left out."""
    return tuple(Command(tool.name, phrase, is_polite) for tool in tools for phrase in _phrases(tool))


def command_in(text: str, known: Sequence[Command], freely: bool) -> tuple[str, Arguments] | None:
    """Tool and arguments of the first command that the text is; `freely` forgives FILLERS missing or too many."""
    words = words_of(text)
    rounds = [(words, False)]
    if freely:
        rounds.append((tuple(word for word in words if word not in FILLERS), True))
    for said, loosely in rounds:
        for command in known:
            arguments = next(matches(command.sentence, said, loosely), None) if said else None
            if arguments is not None:
                return command.tool, arguments
    return None


def _phrases(tool: ToolSpec) -> Iterator[Node]:
    given = tool.parameters.get("properties")
    properties = given if isinstance(given, dict) else {}
    for template in tool.phrases or derived_phrases(tool):
        try:
            phrase = filled(parse(template), properties)
        except ConfigurationError as error:
            _log.warning("A phrase of the tool %s is left out: %s", tool.name, error)
            continue
        if phrase is not None:
            yield phrase


def derived_phrases(tool: ToolSpec) -> tuple[str, ...]:
    """Templates from a tool's name and parameters: get_weather(city) is "get weather in {city}" and a question.

    Required parameters follow the name in their order, each with an optional preposition and its own name; the others
    may be left out.
    """
    words = words_of(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_-]", " ", tool.name))
    given, needed = tool.parameters.get("properties"), tool.parameters.get("required")
    properties = [name for name in given if re.fullmatch(r"[^{}]+", name)] if isinstance(given, dict) else []
    required = [name for name in needed if isinstance(name, str)] if isinstance(needed, list) else []
    tail = [_spoken(name) for name in required]
    tail += [f"[{_spoken(name)}]" for name in properties if name not in required]
    heads = [" ".join((words[0], "[the|a]", *words[1:]))] if words else []
    if len(words) > 1 and words[0] in _QUESTIONS:
        heads.append(f"(what is|what are|how is|tell me) [the] {' '.join(words[1:])}")
    return tuple(" ".join((head, *tail)) for head in heads)


def _spoken(parameter: str) -> str:
    name = " ".join(words_of(parameter.replace("_", " ")))
    return f"{_TIE} {f'[{name}]' if name else ''} {{{parameter}}}"
