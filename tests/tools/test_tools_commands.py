"""Programs as tools: what is passed on, what is refused, and that nothing of a program stays behind."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import select
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from speakerd.core.events import Event, ToolFinished
from speakerd.errors import ConfigurationError
from speakerd.settings import parse
from speakerd.settings_commands import CommandParameter, CommandRow
from speakerd.tools.commands import MOST_OUTPUT_BYTES, arguments_of, command_tools
from speakerd.tools.registry import ToolRunner

MYSELF = pwd.getpwuid(os.geteuid()).pw_name
SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), sys.stdin.read()]))"
ROOM = CommandParameter("room", choices=("kitchen", "-all"))
DEGREES = CommandParameter("degrees", kind="integer", minimum=-5, maximum=30)
NOTE = CommandParameter("note", kind="text", pattern=".*")
NAME = CommandParameter("name", kind="text")


def command(arguments: Sequence[str], *given: CommandParameter, code: str = SHOW, seconds: float = 5.0) -> CommandRow:
    """A program that shows what it was given."""
    argv = (sys.executable, "-I", "-c", code, *arguments)
    return CommandRow("show", "Show.", argv, timeout_seconds=seconds, user=MYSELF, parameters=given)


async def output(row: CommandRow, arguments: str = "{}") -> str:
    answers: asyncio.Queue[Event] = asyncio.Queue()
    ToolRunner(command_tools([row]), answers.put_nowait, deadline_seconds=5).run(1, "call", row.name, arguments)
    async with asyncio.timeout(10):
        event = await answers.get()
    assert isinstance(event, ToolFinished)
    return event.output


@pytest.mark.parametrize(
    ("arguments", "given", "values", "passed"),
    [
        (["now"], [], {}, ["now"]),
        (
            ["{room}", "--degrees={degrees}"],
            [ROOM, DEGREES],
            {"room": "kitchen", "degrees": -5},
            ["kitchen", "--degrees=-5"],
        ),
        (["{room}"], [ROOM], {"room": "-all"}, ["-all"]),  # the owner's own word
        (["{degrees}C{degrees}"], [DEGREES], {"degrees": 7}, ["7C7"]),
        (["{}", "{A}", '{"a": 1}', "{note}"], [NOTE], {"note": "{room}"}, ["{}", "{A}", '{"a": 1}', "{room}"]),
        (["--", "{note}"], [NOTE], {"note": "-rf"}, ["--", "-rf"]),
        (["--note={note}"], [NOTE], {"note": "--x"}, ["--note=--x"]),
        (["{note}"], [NOTE], {"note": "a; rm -rf / && $(id) `id` | tee > x 'q' \"q\" *"}, None),
    ],
)
async def test_values_go_where_they_belong_and_no_shell_reads_them(
    arguments: list[str], given: list[CommandParameter], values: dict[str, object], passed: list[str] | None
) -> None:
    shown = json.loads(await output(command(arguments, *given), json.dumps(values)))
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    assert shown[0] == (list(values.values()) if passed is None else passed)
    assert {name: text for name, text in shown[1].items() if name != "LC_CTYPE"} == environment
    assert shown[2:] == ["/", ""]


DASH = 'error: A value must not begin with "-".'
NOTE_REFUSED = 'error: "note" cannot be that: ask the user again.'
NAME_REFUSED = 'error: "name" cannot be that: ask the user again.'


@pytest.mark.parametrize(
    ("arguments", "parameter", "value", "said"),
    [
        # A value is no option.
        (["{note}"], NOTE, "-rf", DASH),
        (["{note}"], NOTE, "--output=/etc/passwd", DASH),
        (["{note}"], NOTE, "-", DASH),
        (["{degrees}"], DEGREES, -5, DASH),
        (["{note}", "--"], NOTE, "-x", DASH),
        (["{note}{note}"], NOTE, "-x", DASH),
        # No line, no end, nothing that is not shown.
        (["{note}"], NOTE, "a\nb", NOTE_REFUSED),
        (["{note}"], NOTE, "a\r", NOTE_REFUSED),
        (["{note}"], NOTE, "a\0b", NOTE_REFUSED),
        (["{note}"], NOTE, "\x1b[2J", NOTE_REFUSED),
        (["{note}"], NOTE, "a\u202eb", NOTE_REFUSED),
        (["{note}"], NOTE, "a\u2028b", NOTE_REFUSED),
        (["{note}"], NOTE, "\ud800", NOTE_REFUSED),
        (["{note}"], NOTE, "", NOTE_REFUSED),
        (["{note}"], NOTE, "a" * 201, NOTE_REFUSED),
        (["{note}"], NOTE, "a" * 10_000, NOTE_REFUSED),
        # What no pattern was set for is a few words.
        (["{name}"], NAME, "../../etc/passwd", NAME_REFUSED),
        (["{name}"], NAME, "$(reboot)", NAME_REFUSED),
        (["{name}"], NAME, "`reboot`", NAME_REFUSED),
        (["{name}"], NAME, "a; reboot", NAME_REFUSED),
        (["{name}"], NAME, "@file", NAME_REFUSED),
        (["{name}"], NAME, "a\n", NAME_REFUSED),
        # Only what was asked for.
        (["{room}"], ROOM, "garage", 'error: "room" must be one of kitchen, -all.'),
        (["{room}"], ROOM, ["kitchen"], 'error: "room" must be a string.'),
        (["{degrees}"], DEGREES, 31, 'error: "degrees" must be at most 30.'),
        (["{degrees}"], DEGREES, "7; reboot", 'error: "degrees" must be a whole number.'),
        (["{degrees}"], DEGREES, True, 'error: "degrees" must be a whole number.'),
        (["{degrees}"], DEGREES, 1e300, 'error: "degrees" must be at most 30.'),
    ],
)
async def test_what_could_do_more_is_refused(
    arguments: list[str], parameter: CommandParameter, value: object, said: str
) -> None:
    never = command(arguments, parameter, code="import os; os.mkdir('started')")
    assert await output(never, json.dumps({parameter.name: value})) == said


async def test_parameters_are_neither_missing_nor_more(tmp_path: Path) -> None:
    assert await output(command(["{room}"], ROOM)) == 'error: The parameter "room" is missing.'
    more = '{"room": "kitchen", "user": "root"}'
    assert (
        await output(command(["{room}"], ROOM), more) == 'error: There is no parameter "user": the parameters are room.'
    )


def test_the_schema_is_not_the_only_guard() -> None:
    row = command(["{degrees}"], DEGREES)
    for value in (31, True, "5", None, 5.0):
        with pytest.raises(Exception, match="cannot be that"):
            arguments_of(row, {"degrees": value})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "Done."),
        ("print(' 21 degrees ')", "21 degrees"),
        ("import sys; sys.stderr.write('secret'); sys.exit(3)", "error: The program failed with 3."),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "error: The program failed with -15."),
        ("print('x' * 3_000_000)", "x" * MOST_OUTPUT_BYTES),
        ("import sys; sys.stdout.buffer.write(b'\\xff!')", "\ufffd!"),
    ],
)
async def test_what_a_program_says_is_told(code: str, said: str) -> None:
    assert await output(command([], code=code)) == said


async def test_a_program_that_is_missing_is_said_to_be() -> None:
    row = CommandRow("gone", "Gone.", ("/nonexistent/program",), user=MYSELF)
    assert await output(row) == "error: The program cannot be started: No such file or directory."


SPAWN = "import os, sys, time; pid = os.fork() or (time.sleep(60), os._exit(0)); open(sys.argv[1], 'w').write(str(pid))"


@pytest.mark.parametrize("ending", ["; time.sleep(60)", ""], ids=["with it", "without it"])
async def test_what_takes_too_long_is_killed_with_all_that_it_started(tmp_path: Path, ending: str) -> None:
    row = command([str(tmp_path / "pid")], code=SPAWN + ending, seconds=1.0)
    assert await output(row) == "error: The program did not end within 1 seconds."
    child = int((tmp_path / "pid").read_text())
    assert await asyncio.to_thread(has_ended, child)


def has_ended(pid: int) -> bool:
    """Whether a process is over within some seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 5)[0])
    finally:
        os.close(descriptor)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_root_runs_it_as_the_user_that_was_named() -> None:
    code = "import os; print(os.getuid(), os.getgid(), os.getgroups())"
    nobody = pwd.getpwnam("nobody")
    row = CommandRow("who", "Who.", ("/usr/bin/env", "python3", "-I", "-c", code), user="nobody")
    assert await output(row) == f"{nobody.pw_uid} {nobody.pw_gid} []"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (CommandRow("get_time", "T.", ("/bin/true",), user=MYSELF), "must not be get_time: a tool of ours has it"),
        (
            CommandRow("t", "T.", ("/bin/true",), user="nonexistent"),
            "must be a user of this machine, not 'nonexistent'",
        ),
    ],
)
def test_what_cannot_be_is_said_at_the_start(row: CommandRow, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        command_tools([row], {"get_time"})


GOOD = {"name": "t", "description": "T.", "argv": ["/bin/echo", "{a}"]}
ROW = {"name": "a", "choices": ["x"]}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"name": "Set Heating"},
            '"tools.commands[1].name" must be small letters, digits and "_", not \'Set Heating\'.',
        ),
        (
            {"argv": []},
            '"tools.commands[1].argv" must begin with the whole path of a program, such as "/usr/bin/date".',
        ),
        (
            {"argv": ["echo", "{a}"]},
            '"tools.commands[1].argv" must begin with the whole path of a program, such as "/usr/bin/date".',
        ),
        (
            {"argv": ["/bin/{a}"]},
            '"tools.commands[1].argv" must begin with the whole path of a program, such as "/usr/bin/date".',
        ),
        (
            {"argv": ["/bin/echo", "{b}", "{a}"]},
            '"tools.commands[1].argv" does not fit: "b" is not among the parameters.',
        ),
        ({"argv": ["/bin/echo"]}, '"tools.commands[1].argv" does not fit: "a" is a parameter that argv does not use.'),
        ({"timeout_seconds": 0}, '"tools.commands[1].timeout_seconds" must be from 0.1 to 120.0, not 0.0.'),
        (
            {"parameters": [{"name": "a"}]},
            '"tools.commands[1].parameters[1].choices" must have at least one, and none empty or with control '
            "characters.",
        ),
        (
            {"parameters": [{"name": "a", "kind": "integer", "minimum": 9, "maximum": 8}]},
            '"tools.commands[1].parameters[1].minimum" must not be more than the maximum, 8.',
        ),
        ({"parameters": [ROW, ROW]}, '"tools.commands[1].argv" must have each parameter once: they are a, a.'),
        (
            {"shell": True},
            'unknown key "tools.commands[1].shell": known keys are name, description, argv, '
            "phrases, timeout_seconds, user, parameters.",
        ),
    ],
)
def test_a_mistake_in_a_command_is_one_sentence(row: dict[str, object], said: str) -> None:
    assert parse({"tools": {"commands": [{**GOOD, "parameters": [ROW]}]}}).tools.commands
    with pytest.raises(ConfigurationError) as raised:
        parse({"tools": {"commands": [{**GOOD, "parameters": [ROW], **row}]}})
    assert str(raised.value) == said


def test_a_pattern_that_cannot_be_read_and_a_name_that_comes_twice_are_mistakes() -> None:
    broken = {**GOOD, "parameters": [{"name": "a", "kind": "text", "pattern": "("}]}
    with pytest.raises(ConfigurationError, match="is no regular expression"):
        parse({"tools": {"commands": [broken]}})
    good = {**GOOD, "parameters": [ROW]}
    with pytest.raises(ConfigurationError, match="must not be t again"):
        parse({"tools": {"commands": [good, good]}})
