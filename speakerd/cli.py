"""The command line: settings → speaker → exit code. Every failure is one sentence on stderr.

Exit codes (sysexits.h): 0 done, 1 failed or a bug, 69 a device or the service is missing, 78 the settings are wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speakerd import __version__
from speakerd.errors import AudioDeviceError, ConfigurationError, ControlError, RefusedError, SpeakerdError
from speakerd.settings import Settings, load

DEFAULT_CONFIGURATION = Path("/etc/speakerd/speakerd.toml")
EX_UNAVAILABLE = 69
EX_CONFIG = 78

_FEWEST_ECHO_SECONDS, _MOST_ECHO_SECONDS = 10.0, 300.0
_MOST_DAYS = 3660
_WISHES = {
    "mute": "close the running speaker's microphone",
    "unmute": "open it again",
    "stop": "end ringing and conversation",
    "retry": "use endpoints again that were given up, once the key, the credit or the settings are mended",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    # What is logged, a command by hand says itself; the service and the demonstration set up more.
    logging.getLogger("speakerd").addHandler(logging.NullHandler())
    try:
        return int(chosen.command(chosen))
    except ConfigurationError as error:
        return _failed(error, EX_CONFIG)
    except RefusedError as error:
        return _failed(error, 1)
    except (AudioDeviceError, ControlError) as error:
        return _failed(error, EX_UNAVAILABLE)
    except SpeakerdError as error:
        return _failed(error, 1)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="speakerd", description="A smart speaker that its owner controls.")
    parser.add_argument("--version", action="version", version=f"speakerd {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    configured = argparse.ArgumentParser(add_help=False)
    configured.add_argument(
        "--config", type=Path, metavar="FILE", help=f"settings; default {DEFAULT_CONFIGURATION}, if it exists"
    )
    run = commands.add_parser("run", parents=[configured], help="be the speaker, until SIGTERM")
    run.set_defaults(command=_run)
    check = commands.add_parser("check", parents=[configured], help="check settings, models, devices and the endpoint")
    check.set_defaults(command=_check)
    _add_remote_commands(commands, configured)
    cost = commands.add_parser("cost", parents=[configured], help="show what conversations cost, and how much is left")
    cost.add_argument("--days", type=_days, default=30, help="of how many days; default %(default)s")
    form = cost.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one object of JSON")
    form.add_argument("--csv", action="store_true", help="print a row for each response")
    cost.set_defaults(command=_cost)
    _add_wake_word_commands(commands, configured)
    _add_audio_commands(commands, configured)
    demo = commands.add_parser("demo", help="show the whole speaker with no key and no hardware, in about a minute")
    demo.add_argument("--report", type=Path, metavar="FILE", help="write what was measured as JSON")
    demo.add_argument(
        "--sound", type=Path, default=Path("speaker.wav"), metavar="FILE", help="where to leave what was heard"
    )
    demo.add_argument("--microphone", action="store_true", help="use this machine's sound card, and your own voice")
    demo.set_defaults(command=_demo)
    return parser


def _add_remote_commands(commands: Any, configured: argparse.ArgumentParser) -> None:
    texted = argparse.ArgumentParser(add_help=False, parents=[configured])
    texted.add_argument("words", nargs="+", metavar="TEXT", help="- reads it from stdin")
    say = commands.add_parser("say", parents=[texted], help="have the running speaker say TEXT, and wait for it")
    say.add_argument("--everywhere", action="store_true", help="have all speakers of the home say it (over MQTT)")
    say.set_defaults(command=_say)
    ask = commands.add_parser("ask", parents=[texted], help="ask its assistant TEXT, and print the answer")
    ask.add_argument("--text", action="store_true", help="the answer is printed and not spoken")
    ask.set_defaults(command=_ask)
    status = commands.add_parser("status", parents=[configured], help="show what the running speaker does")
    status.add_argument("--follow", action="store_true", help="go on and show what happens, with what is said")
    status.add_argument("--json", action="store_true", help="print one object of JSON in each line")
    status.set_defaults(command=_status)
    for name, purpose in _WISHES.items():
        wish = commands.add_parser(name, parents=[configured], help=purpose)
        wish.set_defaults(command=_wish, wish=name)


def _add_wake_word_commands(commands: Any, configured: argparse.ArgumentParser) -> None:
    test = commands.add_parser("wake-test", parents=[configured], help="see how well the wake word is heard here")
    test.add_argument("--file", type=Path, nargs="+", default=[], metavar="WAV", help="sound files or folders instead")
    test.add_argument("--count", type=int, default=10, help="end after so many; default %(default)s")
    test.add_argument("--seconds", type=float, default=120.0, help="end after so long; default %(default)s")
    test.add_argument("--json", action="store_true", help="print one object of JSON")
    test.set_defaults(command=_wake_test)
    tune = commands.add_parser(
        "tune", parents=[configured], help="change the running speaker's wake word until its next start"
    )
    tune.add_argument("--word", help="default: the first one")
    tune.add_argument("--threshold", type=float)
    tune.add_argument("--night-threshold", type=float)
    tune.add_argument("--voice-gate", action=argparse.BooleanOptionalAction)
    tune.set_defaults(command=_tune)
    models = commands.add_parser("models", parents=[configured], help="list, add and verify wake word models")
    doing = models.add_subparsers(metavar="list|add|verify")
    models.set_defaults(command=_models, do="list")
    doing.add_parser("list", help="show every known model").set_defaults(do="list")
    doing.add_parser("verify", help="check every model's checksum").set_defaults(do="verify")
    add = doing.add_parser("add", help="add your own openWakeWord model, or fetch a known one")
    add.add_argument("model", metavar="FILE|NAME")
    add.add_argument("--name", default="", help="what to call it; default: after the file")
    add.add_argument("--sha256", default="", help="the checksum that it must have")
    add.set_defaults(do="add")


def _add_audio_commands(commands: Any, configured: argparse.ArgumentParser) -> None:
    reported = argparse.ArgumentParser(add_help=False, parents=[configured])
    reported.add_argument("--json", action="store_true", help="print one object of JSON")
    devices = commands.add_parser("devices", parents=[reported], help="list sound devices: which is used, and why")
    devices.set_defaults(command=_devices)
    test = commands.add_parser("mic-test", parents=[reported], help="see how well the microphone hears, and hear it")
    test.add_argument("--seconds", type=float, default=10.0, help="end after so long; default %(default)s")
    test.add_argument("--no-playback", action="store_true", help="do not play the recording at the end")
    test.set_defaults(command=_mic_test)
    doctor = commands.add_parser("doctor", help="try a part of the speaker, and say what to do")
    parts = doctor.add_subparsers(required=True, metavar="audio|echo")
    audio = parts.add_parser("audio", parents=[reported], help="cards, permissions, devices, microphone, xruns, clocks")
    audio.set_defaults(command=_doctor_audio)
    echo = parts.add_parser(
        "echo",
        parents=[reported],
        help="play speech and see what the microphone hears of it: unlocks full duplex",
    )
    echo.add_argument("--seconds", type=_test_seconds, default=25.0, help="speak for so long; default %(default)s")
    echo.set_defaults(command=_doctor_echo)


def _run(chosen: argparse.Namespace) -> int:
    from speakerd.assembly import serve
    from speakerd.service.journal import set_up_logging

    settings = _settings(chosen.config)
    set_up_logging(settings.control.log_level)
    asyncio.run(serve(settings, again=lambda: _settings(chosen.config)))
    return 0


def _check(chosen: argparse.Namespace) -> int:
    from speakerd.checks import check_all

    settings = _settings(chosen.config)
    worst = 0
    for name, failure in check_all(settings):
        sys.stdout.write(f"{name:<12} {'ok' if failure is None else failure}\n")
        sys.stdout.flush()
        if failure is not None:
            worst = max(worst, EX_CONFIG if isinstance(failure, ConfigurationError) else EX_UNAVAILABLE)
    return worst


def _say(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    return remote.say(_socket(chosen), chosen.words, everywhere=chosen.everywhere)


def _ask(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    return remote.ask(_socket(chosen), chosen.words, aloud=not chosen.text)


def _status(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    return remote.status(_socket(chosen), follow=chosen.follow, as_json=chosen.json)


def _cost(chosen: argparse.Namespace) -> int:
    from speakerd.cost import CostOptions, run

    return run(_settings(chosen.config), CostOptions(chosen.days, chosen.json, chosen.csv))


def _wish(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    return remote.wish(_socket(chosen), {"do": chosen.wish})


def _wake_test(chosen: argparse.Namespace) -> int:
    from speakerd.wake_test import WakeTestOptions, run

    options = WakeTestOptions(tuple(chosen.file), chosen.count, chosen.seconds, chosen.json)
    return run(_settings(chosen.config), options)


def _devices(chosen: argparse.Namespace) -> int:
    from speakerd.device_table import run

    return run(_settings(chosen.config), as_json=chosen.json)


def _mic_test(chosen: argparse.Namespace) -> int:
    from speakerd.mic_test import MicTestOptions, run

    return run(_settings(chosen.config), MicTestOptions(chosen.seconds, chosen.json, not chosen.no_playback))


def _doctor_audio(chosen: argparse.Namespace) -> int:
    from speakerd.doctor import run_audio

    return run_audio(_settings(chosen.config), as_json=chosen.json)


def _doctor_echo(chosen: argparse.Namespace) -> int:
    from speakerd.doctor_echo import EchoTestOptions, run_echo

    return run_echo(_settings(chosen.config), EchoTestOptions(chosen.seconds, chosen.json))


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


def _tune(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    wanted = {key: getattr(chosen, key) for key in ("word", "threshold", "night_threshold", "voice_gate")}
    changes = {key: value for key, value in wanted.items() if value is not None}
    return remote.wish(_socket(chosen), {"do": "tune", **changes})


def _models(chosen: argparse.Namespace) -> int:
    from speakerd.wakeword import models, shelf

    settings = _settings(chosen.config).wake_word
    folder = Path(settings.models_folder) if settings.models_folder else models.default_folder()
    if chosen.do == "add":
        rows = [shelf.add(folder, chosen.model, chosen.sha256, chosen.name)]
    else:
        rows = list(shelf.listing(folder) if chosen.do == "list" else shelf.verify(folder))
    for row in rows:
        sys.stdout.write(f"{row.name:<16} {row.kind:<10} {row.state:<8} {row.sha256}  {row.licence:<24} {row.file}\n")
    if chosen.do == "verify":
        sys.stdout.write(f"{'All models are' if not rows else 'Not all models are'} complete in {folder}.\n")
        return 1 if rows else 0
    return 0


def _socket(chosen: argparse.Namespace) -> Path:
    return Path(_settings(chosen.config).control.socket)


def _demo(chosen: argparse.Namespace) -> int:
    from speakerd.demo.show import show

    return asyncio.run(show(report=chosen.report, sound=chosen.sound, microphone=chosen.microphone))


def _settings(path: Path | None) -> Settings:
    if path is None and DEFAULT_CONFIGURATION.exists():
        path = DEFAULT_CONFIGURATION
    return load(path, os.environ)


def _failed(error: SpeakerdError, code: int) -> int:
    sys.stderr.write(f"speakerd: {error}\n")
    return code
