"""Every command with its options, and what it does by name; nothing is run or imported here.

`completion` and `manual` are made of this tree, so that help, completion and manual page cannot disagree.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speakerd import __version__

DEFAULT_CONFIGURATION = Path("/etc/speakerd/speakerd.toml")

_FEWEST_ECHO_SECONDS, _MOST_ECHO_SECONDS = 10.0, 300.0
_MOST_DAYS = 3660
_WISHES = {
    "mute": "close the running speaker's microphone",
    "unmute": "open it again",
    "stop": "end ringing and conversation",
    "retry": "use endpoints again that were given up, once the key, the credit or the settings are mended",
}


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the tree, or the program itself."""

    words: tuple[str, ...]
    """What is typed after speakerd."""
    purpose: str
    parser: argparse.ArgumentParser

    @property
    def options(self) -> list[argparse.Action]:
        """Its options and arguments, but for those that name commands below it."""
        return [action for action in self.parser._actions if not isinstance(action, argparse._SubParsersAction)]


def commands(parser: argparse.ArgumentParser, words: tuple[str, ...] = (), purpose: str = "") -> Iterator[Command]:
    """A parser and all below it, in the order of the help."""
    yield Command(words, purpose or str(parser.description), parser)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            purposes = {choice.dest: str(choice.help) for choice in action._choices_actions}
            for name, below in action.choices.items():
                yield from commands(below, (*words, name), purposes[name])


def tree() -> argparse.ArgumentParser:
    """The parser of the whole command line; what it returns has `does`, the name of what is to be done."""
    parser = argparse.ArgumentParser(prog="speakerd", description="A smart speaker that its owner controls.")
    parser.add_argument("--version", action="version", version=f"speakerd {__version__}")
    below = parser.add_subparsers(required=True, metavar="COMMAND")
    configured = _configured()
    _add(below, "run", "be the speaker, until SIGTERM", configured)
    _add(below, "check", "check settings, models, devices and the endpoint", configured)
    _add_doctor(below, configured)
    _add_configuration(below, configured)
    _add_remote(below, configured)
    _add_books(below, configured)
    _add_wake_word(below, configured)
    _add_audio(below, configured)
    _add_demo(below)
    _add_program(below)
    return parser


def _add(below: Any, name: str, purpose: str, *parents: argparse.ArgumentParser, **known: Any) -> Any:
    """One more command, which does what its words say unless `known` has a `does`; returns its parser."""
    made = below.add_parser(name, parents=parents, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
    made.set_defaults(**{"does": name, **known})
    return made


def _configured(**default: Any) -> argparse.ArgumentParser:
    """What a command has that reads the settings; `default` keeps one below another from undoing what stands before."""
    configured = argparse.ArgumentParser(add_help=False)
    purpose = f"settings; default {DEFAULT_CONFIGURATION}, if it exists"
    configured.add_argument("--config", type=Path, metavar="FILE", help=purpose, **default)
    return configured


def _reported(configured: argparse.ArgumentParser, **default: Any) -> argparse.ArgumentParser:
    reported = argparse.ArgumentParser(add_help=False, parents=[configured])
    reported.add_argument("--json", action="store_true", help="print one object of JSON", **default)
    return reported


_BELOW: dict[str, Any] = {"default": argparse.SUPPRESS}


def _add_doctor(below: Any, configured: argparse.ArgumentParser) -> None:
    doctor = _add(below, "doctor", "try every part of the speaker, and say what to do", _reported(configured))
    doctor.add_argument("--silent", action="store_true", help="play no test tone")
    parts = doctor.add_subparsers(metavar="audio|echo")
    reported = _reported(_configured(**_BELOW), **_BELOW)
    purpose = "cards, permissions, devices, microphone, xruns, clocks"
    _add(parts, "audio", purpose, reported, does="doctor audio")
    purpose = "play speech and see what the microphone hears of it: unlocks full duplex"
    echo = _add(parts, "echo", purpose, reported, does="doctor echo")
    echo.add_argument("--seconds", type=_test_seconds, default=25.0, help="speak for so long; default %(default)s")


def _add_configuration(below: Any, configured: argparse.ArgumentParser) -> None:
    config = _add(below, "config", "show the settings, or change one", _reported(configured), does="config show")
    doing = config.add_subparsers(metavar="show|get|set|unset")
    configured = _configured(**_BELOW)
    purpose = "show the settings that count, and where each is from; secrets are left out"
    _add(doing, "show", purpose, _reported(configured, **_BELOW), does="config show")
    get = _add(doing, "get", "print the setting that counts; secrets are left out", configured, does="config get")
    change = _add(doing, "set", "change a setting in the file, if the whole is right", configured, does="config set")
    unset = _add(doing, "unset", "take a setting out of the file: its default counts", configured, does="config unset")
    for parser in (get, change, unset):
        parser.add_argument("key", metavar="KEY", help="such as audio.volume, or endpoint.others[1].model")
    change.add_argument("value", metavar="VALUE", help="such as 0.5, true, hey_jarvis, or anything that TOML knows")


def _add_remote(below: Any, configured: argparse.ArgumentParser) -> None:
    texted = argparse.ArgumentParser(add_help=False, parents=[configured])
    texted.add_argument("words", nargs="+", metavar="TEXT", help="- reads it from stdin")
    say = _add(below, "say", "have the running speaker say TEXT, and wait for it", texted)
    say.add_argument("--everywhere", action="store_true", help="have all speakers of the home say it (over MQTT)")
    ask = _add(below, "ask", "ask its assistant TEXT, and print the answer", texted)
    ask.add_argument("--text", action="store_true", help="the answer is printed and not spoken")
    status = _add(below, "status", "show what the running speaker does", configured)
    status.add_argument("--follow", action="store_true", help="go on and show what happens, with what is said")
    status.add_argument("--json", action="store_true", help="print one object of JSON in each line")
    for name, purpose in _WISHES.items():
        _add(below, name, purpose, configured, does="wish", wish=name)
    volume = _add(below, "volume", "show how loud the running speaker is, or change it", configured)
    volume.add_argument("level", nargs="?", type=_level, metavar="N|up|down", help="percent, or ten more or fewer")
    _add(below, "tools", "list what the assistant may do, and what needs your hand or word", _reported(configured))


def _add_books(below: Any, configured: argparse.ArgumentParser) -> None:
    cost = _add(below, "cost", "show what conversations cost, and how much is left", configured)
    cost.add_argument("--days", type=_days, default=30, help="of how many days; default %(default)s")
    form = cost.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one object of JSON")
    form.add_argument("--csv", action="store_true", help="print a row for each response")


def _add_wake_word(below: Any, configured: argparse.ArgumentParser) -> None:
    test = _add(below, "wake-test", "see how well the wake word is heard here, and which threshold suits", configured)
    test.add_argument("--file", type=Path, nargs="+", default=[], metavar="WAV", help="sound files or folders instead")
    test.add_argument("--count", type=int, default=10, help="end after so many; default %(default)s")
    test.add_argument("--seconds", type=float, default=120.0, help="end after so long; default %(default)s")
    test.add_argument("--json", action="store_true", help="print one object of JSON")
    tune = _add(below, "tune", "change the running speaker's wake word until its next start", configured)
    tune.add_argument("--word", help="default: the first one")
    tune.add_argument("--threshold", type=float, help="score from 0.01 to 1 that counts")
    tune.add_argument("--night-threshold", type=float, help="the same at night; 0 means as by day")
    tune.add_argument("--voice-gate", action=argparse.BooleanOptionalAction, help="count it only with a voice")
    models = _add(below, "models", "list, add and verify wake word models", configured, do="list")
    doing = models.add_subparsers(metavar="list|add|verify")
    _add(doing, "list", "show every known model", does="models", do="list")
    _add(doing, "verify", "check every model's checksum", does="models", do="verify")
    purpose = "add your own openWakeWord model, or fetch a known one"
    add = _add(doing, "add", purpose, does="models", do="add")
    add.add_argument("model", metavar="FILE|NAME", help="a file, or a name that the list has")
    add.add_argument("--name", default="", help="what to call it; default: after the file")
    add.add_argument("--sha256", default="", help="the checksum that it must have")


def _add_audio(below: Any, configured: argparse.ArgumentParser) -> None:
    reported = _reported(configured)
    _add(below, "devices", "list sound devices: which is used, and why", reported)
    test = _add(below, "mic-test", "see how well the microphone hears, and hear it", reported)
    test.add_argument("--seconds", type=float, default=10.0, help="end after so long; default %(default)s")
    test.add_argument("--no-playback", action="store_true", help="do not play the recording at the end")


def _add_demo(below: Any) -> None:
    demo = _add(below, "demo", "show the whole speaker with no key and no hardware, in about a minute")
    demo.add_argument("--report", type=Path, metavar="FILE", help="write what was measured as JSON")
    demo.add_argument(
        "--sound", type=Path, default=Path("speaker.wav"), metavar="FILE", help="where to leave what was heard"
    )
    demo.add_argument("--microphone", action="store_true", help="use this machine's sound card, and your own voice")


def _add_program(below: Any) -> None:
    completion = _add(below, "completion", "print a script with which a shell completes this command line")
    completion.add_argument("shell", choices=("bash", "zsh"), help="for which shell")
    _add(below, "man", "print the manual page, speakerd(8)")
    _add(below, "version", "print the version")


def _test_seconds(text: str) -> float:
    seconds = float(text)
    if not _FEWEST_ECHO_SECONDS <= seconds <= _MOST_ECHO_SECONDS:
        raise argparse.ArgumentTypeError(f"take {_FEWEST_ECHO_SECONDS:.0f} to {_MOST_ECHO_SECONDS:.0f} seconds")
    return seconds


def _days(text: str) -> int:
    days = int(text)
    if not 1 <= days <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"take 1 to {_MOST_DAYS} days")
    return days


def _level(text: str) -> int | str:
    if text in ("up", "down"):
        return text
    if not text.isdecimal() or not text.isascii() or int(text) > 100:
        raise argparse.ArgumentTypeError("take 0 to 100, up or down")
    return int(text)
