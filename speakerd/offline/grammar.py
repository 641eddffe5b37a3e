"""Phrase templates: words, (a|b), [optional], {parameter}, {parameter=value words}, nested at will. Pure.

A parameter stands for what the tool's JSON Schema lets it be. One that cannot be said (free text) takes along what
depends on it: an [optional] part is left out, a choice loses an option, else the whole phrase goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from speakerd.errors import ConfigurationError
from speakerd.offline.grammar_values import is_heard, spoken_values, words_of

FILLERS = frozenset(["the", "a", "an", "my", "some", "just", "hey", "please", "now", "thanks"])
"""Words that typed text may have or lack."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word, lower case."""

    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; `values` maps its words to values once the schema is known."""

    name: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Series:
    """Parts one after another; without parts it is what is said when an option is left out."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the options."""

    options: tuple[Node, ...]


Node = Word | Parameter | Series | Choice
Arguments = dict[str, object]

NOTHING = Series(())


def parse(template: str) -> Node:
    """The tree of a template; raises ConfigurationError that quotes it."""
    return _Parser(template).tree()


class _Parser:
    """Recursive descent: choice := series ('|' series)*; series := (word | {name} | (choice) | [choice])*."""

    _TOKEN = re.compile(r"\{[^{}]*\}|[()\[\]|{}]|[^\s()\[\]|{}]+")

    def __init__(self, template: str) -> None:
        self._template = template
        self._tokens = self._TOKEN.findall(template)
        self._at = 0

    def tree(self) -> Node:
        tree = self._choice()
        if self._at < len(self._tokens):
            raise self._error(f'"{self._tokens[self._at]}" closes nothing')
        if tree == NOTHING:
            raise self._error("it has no words")
        return tree

    def _choice(self) -> Node:
        options = [self._series()]
        while self._next() == "|":
            self._at += 1
            options.append(self._series())
        if len(options) > 1 and NOTHING in options:
            raise self._error('an option beside "|" is empty')
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _series(self) -> Node:
        parts: list[Node] = []
        while (mark := self._next()) not in (None, "|", ")", "]"):
            self._at += 1
            parts.extend(self._parts(str(mark)))
        return parts[0] if len(parts) == 1 else Series(tuple(parts))

    def _parts(self, mark: str) -> list[Node]:
        if mark in ("(", "["):
            inside = self._choice()
            if self._next() != {"(": ")", "[": "]"}[mark]:
                raise self._error(f'"{mark}" is not closed')
            self._at += 1
            if inside == NOTHING:
                raise self._error(f'"{mark}" has nothing inside')
            return [inside if mark == "(" else Choice((inside, NOTHING))]
        if mark in ("{", "}") or mark == "{}":
            raise self._error("a {parameter} is not closed or has no name")
        return [Parameter(mark[1:-1].strip(), {})] if mark[0] == "{" else _words(mark)

    def _next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _error(self, fault: str) -> ConfigurationError:
        return ConfigurationError(f'The phrase "{self._template}" cannot be read: {fault}.')


def _words(token: str) -> list[Node]:
    spelled: list[Node] = [Word(word) for word in words_of(token)]
    contraction = token.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if len(spelled) > 1 and "'" in contraction:
        return [Choice((Word(contraction), Series(tuple(spelled))))]
    return spelled


def filled(node: Node, properties: Mapping[str, object]) -> Node | None:
    """The tree with the values of each parameter by its JSON Schema; None when it cannot be said."""

    def fill(leaf: Word | Parameter) -> Node | None:
        if isinstance(leaf, Word):
            return leaf
        name, _, constant = leaf.name.partition("=")
        if constant:
            value, _, said = constant.partition(" ")
            return Parameter(name, {" ".join(words_of(said)): int(value) if value.isdecimal() else value})
        schema = properties.get(leaf.name)
        values = spoken_values(schema) if isinstance(schema, dict) else {}
        return Parameter(leaf.name, values) if values else None

    return _rebuilt(node, fill)


def heard(node: Node, is_known: Callable[[str], bool]) -> Node | None:
    """The tree without what has a word that the recogniser does not know; None when nothing is left."""

    def keep(leaf: Word | Parameter) -> Node | None:
        if isinstance(leaf, Word):
            return leaf if is_known(leaf.text) else None
        known = {w: v for w, v in leaf.values.items() if is_heard(w, v) and all(map(is_known, w.split()))}
        return Parameter(leaf.name, known) if known else None

    return _rebuilt(node, keep)


def _rebuilt(node: Node, leaf: Callable[[Word | Parameter], Node | None]) -> Node | None:
    if isinstance(node, Series):
        parts = [_rebuilt(part, leaf) for part in node.parts]
        whole = tuple(part for part in parts if part is not None)
        return Series(whole) if len(whole) == len(parts) else None
    if isinstance(node, Choice):
        options = [_rebuilt(option, leaf) for option in node.options]
        left = tuple(option for option in options if option is not None)
        return Choice(left) if left else None
    return leaf(node)


def matches(node: Node, words: Sequence[str], freely: bool = False) -> Iterator[Arguments]:
    """The arguments of every way in which the words are the whole phrase; longer values and earlier options first.

    `freely` lets FILLERS be missing from the words; strip them from the words too.
    """
    return (arguments for end, arguments in _ways(node, words, 0, freely) if end == len(words))


def _ways(node: Node, words: Sequence[str], start: int, freely: bool) -> Iterator[tuple[int, Arguments]]:
    match node:
        case Word(text):
            if start < len(words) and words[start] == text:
                yield start + 1, {}
            elif freely and text in FILLERS:
                yield start, {}
        case Parameter(name, values):
            for end in range(min(len(words), start + _LONGEST_VALUE), start, -1):
                spoken = " ".join(words[start:end])
                if spoken in values:
                    yield end, {name: values[spoken]}
        case Choice(options):
            for option in options:
                yield from _ways(option, words, start, freely)
        case Series(()):
            yield start, {}
        case Series((first, *rest)):
            for middle, arguments in _ways(first, words, start, freely):
                for end, more in _ways(Series(tuple(rest)), words, middle, freely):
                    if all(more.get(name, value) == value for name, value in arguments.items()):
                        yield end, {**arguments, **more}


_LONGEST_VALUE = 10
"""Words of the longest value: "minus one thousand one hundred and twenty one" has 8."""


def words_in(node: Node) -> Iterator[str]:
    """Every word of the template, those of values included."""
    match node:
        case Word(text):
            yield text
        case Parameter(_, values):
            yield from (word for words in values for word in words.split())
        case Series(parts) | Choice(parts):
            for part in parts:
                yield from words_in(part)
