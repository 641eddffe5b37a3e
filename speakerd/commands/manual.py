"""The manual page speakerd(8), made of the tree and of the texts that the code has of itself. Pure.

It is troff with the macros of man(7), which groff and mandoc both understand.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from speakerd import __version__
from speakerd.commands.manual_texts import (
    DESCRIPTION,
    ENVIRONMENT,
    EXIT_STATUS,
    FILES,
    FOLLOWING,
    OPTIONS,
    SIGNALS,
    Rows,
)
from speakerd.commands.tree import Command, commands
from speakerd.service.fields import FIELDS


def manual(parser: argparse.ArgumentParser) -> str:
    """The page."""
    program, *known = commands(parser)
    return "\n".join(
        [
            '.\\" Made by `speakerd man`.',
            f'.TH SPEAKERD 8 "" "speakerd {__version__}" "System Administration"',
            *_section("NAME"),
            f"speakerd \\- {escaped(program.purpose.removesuffix('.').lower())}",
            *_section("SYNOPSIS"),
            ".B speakerd",
            ".I COMMAND",
            "[\\fIOPTION\\fR ...]",
            *_section("DESCRIPTION"),
            *_paragraphs(DESCRIPTION),
            *_section("OPTIONS"),
            *_rows(OPTIONS),
            *_section("COMMANDS"),
            *(line for command in known for line in _command(command)),
            *_section("EXIT STATUS"),
            *_rows(EXIT_STATUS),
            *_section("FOLLOWING"),
            *_paragraphs(FOLLOWING),
            *_section("JOURNAL"),
            *_paragraphs(_JOURNAL),
            *_rows(FIELDS),
            *_section("SIGNALS"),
            *_rows(SIGNALS),
            *_section("ENVIRONMENT"),
            *_rows(ENVIRONMENT),
            *_section("FILES"),
            *_rows(FILES),
            *_section("SEE ALSO"),
            ".BR journalctl (1),",
            ".BR systemctl (1),",
            ".BR systemd.exec (5)",
            "",
        ]
    )


_OF_ALL = ("help", "config")
"""Options that are told once."""
_JOURNAL = """\
What is logged goes to the journal, and outside systemd to standard error. Neither transcripts nor audio nor keys are
ever logged, at no level. The first failure of a kind is a warning; its repeats within ten minutes are for debugging
(control.log_level).

Under systemd entries have these fields; for example: journalctl -u speakerd -o verbose EVENT=AnswerStarted
"""


def escaped(text: str) -> str:
    """A text that troff prints as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    return text.replace("~", "\\(ti").replace("^", "\\(ha").replace('"', "\\(dq")


def _section(title: str) -> tuple[str]:
    return (f".SH {title}",)


def _paragraphs(text: str) -> Iterator[str]:
    """Texts between empty lines; one whose lines begin with two spaces is shown as it is."""
    for paragraph in text.strip("\n").split("\n\n"):
        yield ".PP"
        lines = [_line(line.strip()) for line in paragraph.split("\n")]
        yield from (".EX", *lines, ".EE") if paragraph.startswith("  ") else lines


def _rows(rows: Rows) -> Iterator[str]:
    for name, text in rows.items():
        yield from (".TP", f".B {escaped(name)}", _line(text))


def _line(text: str) -> str:
    """A line of text, which must not look like a request."""
    shown = escaped(text)
    return f"\\&{shown}" if shown.startswith((".", "\\(aq")) else shown


def _command(command: Command) -> Iterator[str]:
    places = "".join(f" \\fI{escaped(_name(option))}\\fR" for option in command.options if not option.option_strings)
    yield f".SS speakerd {escaped(' '.join(command.words))}{places}"
    yield _line(f"{command.purpose[0].upper()}{command.purpose[1:]}.")
    for option in command.options:
        if option.dest not in _OF_ALL:
            yield ".TP"
            yield _option(option)
            yield _line(str(option.help).replace("%(default)s", str(option.default)))


def _option(option: argparse.Action) -> str:
    if not option.option_strings:
        return f".I {escaped(_name(option))}"
    flags = ", ".join(f"\\fB{escaped(flag)}\\fR" for flag in option.option_strings)
    return flags if option.nargs == 0 else f"{flags} \\fI{escaped(_name(option))}\\fR"


def _name(option: argparse.Action) -> str:
    if option.metavar is not None:
        return str(option.metavar)
    return "|".join(map(str, option.choices)) if option.choices else option.dest.upper()
