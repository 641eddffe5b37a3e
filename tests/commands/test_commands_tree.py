"""The tree of the command line, and what is made of it: completion in a real shell, a page that troff understands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from speakerd.cli import COMMANDS
from speakerd.commands.completion import completion
from speakerd.commands.manual import escaped, manual
from speakerd.commands.tree import Command, commands, tree
from speakerd.service.fields import FIELDS

KNOWN = list(commands(tree()))
KEYS = ("audio.volume", "audio.tail_ms", "board")


def test_everything_that_can_be_typed_is_done_by_somebody() -> None:
    does = {command.parser.get_default("does") for command in KNOWN if command.words}
    assert does == COMMANDS.keys()


@pytest.mark.parametrize("command", KNOWN, ids=lambda command: " ".join(command.words))
def test_every_command_and_option_says_what_it_is(command: Command) -> None:
    assert command.purpose
    assert [option.dest for option in command.options if not option.help] == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("doctor --config x audio", "x"),
        ("doctor audio --config x", "x"),
        ("config --config x show", "x"),
        ("config set --config x board none", "x"),
        ("doctor --json audio", None),
    ],
)
def test_an_option_before_a_part_is_not_forgotten(typed: str, kept: str | None) -> None:
    chosen = tree().parse_args(typed.split())
    assert chosen.config == (Path(kept) if kept else None)
    assert getattr(chosen, "json", False) is ("--json" in typed)


@pytest.mark.parametrize("level", ["-1", "101", "loud", "5.5", "٣"])
def test_a_volume_that_is_none(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        tree().parse_args(["volume", "--", level])
    assert "take 0 to 100, up or down" in capsys.readouterr().err


COMPLETED = {
    "speakerd doc": ["doctor"],
    "speakerd doctor a": ["audio"],
    "speakerd doctor --json e": ["echo"],
    "speakerd config set audio.v": ["audio.volume"],
    "speakerd config set board ": [*KEYS, "--help", "--config"],
    "speakerd completion ": ["bash", "zsh"],
    "speakerd volume u": ["up"],
    "speakerd status --f": ["--follow"],
    "speakerd run --config spe": ["speakerd.toml"],
    "speakerd nonsense do": ["doctor"],
}


@pytest.mark.parametrize(("typed", "offered"), COMPLETED.items(), ids=COMPLETED)
def test_bash_completes(typed: str, offered: list[str], tmp_path: Path) -> None:
    (tmp_path / "speakerd.toml").touch()
    (tmp_path / "completion").write_text(completion("bash", tree(), KEYS))
    words = typed + ("''" if typed.endswith(" ") else "")
    script = (
        f"source ./completion; COMP_WORDS=({words}); "
        'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _speakerd; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    shell = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=20
    )
    assert shell.stderr == ""
    assert set(offered) <= set(shell.stdout.splitlines())
    if typed[-1] != " ":
        assert shell.stdout.splitlines() == offered


def test_zsh_is_offered_the_same_words() -> None:
    bash, zsh = (re.findall(r"^    .*;;$", completion(shell, tree(), KEYS), re.MULTILINE) for shell in ("bash", "zsh"))
    assert bash == zsh
    assert len(bash) == len(KNOWN) + 1
    assert completion("zsh", tree(), KEYS).startswith("#compdef speakerd\n")


def test_troff_has_nothing_to_complain_about() -> None:
    formatted = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-K", "utf8"],
        input=manual(tree()),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert formatted.stderr == ""
    page = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", formatted.stdout)
    for command in KNOWN:
        if command.words:
            assert f"speakerd {' '.join(command.words)}" in page
    for word in (*FIELDS, "/etc/speakerd/api-key", '{"event": "answered", "request": 7}', "SIGHUP", "78"):
        assert word in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--json", "\\-\\-json"),
        ("C:\\x", "C:\\ex"),
        ('"it\'s"', "\\(dqit\\(aqs\\(dq"),
        ("~^`", "\\(ti\\(ha\\(ga"),
    ],
)
def test_a_text_is_printed_as_it_is(text: str, shown: str) -> None:
    assert escaped(text) == shown
