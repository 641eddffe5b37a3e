"""The command line: settings → speaker → exit code. Every failure is one sentence on stderr.

Exit codes (sysexits.h): 0 done, 1 failed or a bug, 69 a device or the service is missing, 78 the settings are wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from speakerd import __version__
from speakerd.commands.tree import DEFAULT_CONFIGURATION, tree
from speakerd.errors import AudioDeviceError, ConfigurationError, ControlError, RefusedError, SpeakerdError
from speakerd.settings import Settings, load

EX_UNAVAILABLE = 69
EX_CONFIG = 78


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    chosen = tree().parse_args(arguments)
    # What is logged, a command by hand says itself; the service and the demonstration set up more.
    logging.getLogger("speakerd").addHandler(logging.NullHandler())
    try:
        return COMMANDS[chosen.does](chosen)
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


def _run(chosen: argparse.Namespace) -> int:
    from speakerd.service.crashes import crashes
    from speakerd.service.journal import set_up_logging

    settings = _settings(chosen)
    set_up_logging(settings.control.log_level)
    counted = crashes(os.environ)
    if counted and (seconds := counted.begin()):
        _wait(seconds)
    from speakerd.assembly import serve  # costs a second of a small machine

    asyncio.run(serve(settings, again=lambda: _settings(chosen)))
    if counted:
        counted.end()
    return 0


def _wait(seconds: float) -> None:
    """Leave a machine some rest on which the service crashes again and again; SIGTERM ends this, too."""
    from speakerd.service.notify import Notifier

    text = f"It has crashed again and again: the next try begins in {seconds:g} seconds."
    Notifier().status(text)
    logging.getLogger(__name__).warning(text)
    time.sleep(seconds)


def _check(chosen: argparse.Namespace) -> int:
    from speakerd.checks import check_all

    settings = _settings(chosen)
    worst = 0
    for name, failure in check_all(settings):
        sys.stdout.write(f"{name:<12} {'ok' if failure is None else failure}\n")
        sys.stdout.flush()
        if failure is not None:
            worst = max(worst, EX_CONFIG if isinstance(failure, ConfigurationError) else EX_UNAVAILABLE)
    return worst


def _doctor(chosen: argparse.Namespace) -> int:
    from speakerd.doctor.everything import DoctorOptions, run_all

    return run_all(lambda: _settings(chosen), DoctorOptions(chosen.json, chosen.silent))


def _doctor_audio(chosen: argparse.Namespace) -> int:
    from speakerd.doctor.audio import run_audio

    return run_audio(_settings(chosen), as_json=chosen.json)


def _doctor_echo(chosen: argparse.Namespace) -> int:
    from speakerd.doctor.echo import EchoTestOptions, run_echo

    return run_echo(_settings(chosen), EchoTestOptions(chosen.seconds, chosen.json))


def _config_show(chosen: argparse.Namespace) -> int:
    from speakerd.commands import configuration

    return configuration.show(_file(chosen), os.environ, as_json=chosen.json)


def _config_get(chosen: argparse.Namespace) -> int:
    from speakerd.commands import configuration

    return configuration.get(_file(chosen), os.environ, chosen.key)


def _config_set(chosen: argparse.Namespace) -> int:
    from speakerd.commands import configuration

    return configuration.change(chosen.config or DEFAULT_CONFIGURATION, os.environ, chosen.key, chosen.value)


def _config_unset(chosen: argparse.Namespace) -> int:
    from speakerd.commands import configuration

    return configuration.change(chosen.config or DEFAULT_CONFIGURATION, os.environ, chosen.key, None)


def _say(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    return remote.say(_socket(chosen), chosen.words, everywhere=chosen.everywhere)


def _ask(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    return remote.ask(_socket(chosen), chosen.words, aloud=not chosen.text)


def _status(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    return remote.status(_socket(chosen), follow=chosen.follow, as_json=chosen.json)


def _wish(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    return remote.wish(_socket(chosen), {"do": chosen.wish})


def _volume(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    return remote.volume(_socket(chosen), chosen.level)


def _tools(chosen: argparse.Namespace) -> int:
    from speakerd.commands.tool_table import run

    return run(_settings(chosen), as_json=chosen.json)


def _cost(chosen: argparse.Namespace) -> int:
    from speakerd.cost import CostOptions, run

    return run(_settings(chosen), CostOptions(chosen.days, chosen.json, chosen.csv))


def _wake_test(chosen: argparse.Namespace) -> int:
    from speakerd.wake_test import WakeTestOptions, run

    options = WakeTestOptions(tuple(chosen.file), chosen.count, chosen.seconds, chosen.json)
    return run(_settings(chosen), options)


def _tune(chosen: argparse.Namespace) -> int:
    from speakerd import remote

    wanted = {key: getattr(chosen, key) for key in ("word", "threshold", "night_threshold", "voice_gate")}
    changes = {key: value for key, value in wanted.items() if value is not None}
    return remote.wish(_socket(chosen), {"do": "tune", **changes})


def _models(chosen: argparse.Namespace) -> int:
    from speakerd.wakeword import models, shelf

    settings = _settings(chosen).wake_word
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


def _devices(chosen: argparse.Namespace) -> int:
    from speakerd.device_table import run

    return run(_settings(chosen), as_json=chosen.json)


def _mic_test(chosen: argparse.Namespace) -> int:
    from speakerd.mic_test import MicTestOptions, run

    return run(_settings(chosen), MicTestOptions(chosen.seconds, chosen.json, not chosen.no_playback))


def _demo(chosen: argparse.Namespace) -> int:
    from speakerd.demo.show import show

    return asyncio.run(show(report=chosen.report, sound=chosen.sound, microphone=chosen.microphone))


def _completion(chosen: argparse.Namespace) -> int:
    from speakerd.commands.completion import completion
    from speakerd.settings_keys import keys

    sys.stdout.write(completion(chosen.shell, tree(), tuple(keys(Settings))))
    return 0


def _man(_: argparse.Namespace) -> int:
    from speakerd.commands.manual import manual

    sys.stdout.write(manual(tree()))
    return 0


def _version(_: argparse.Namespace) -> int:
    sys.stdout.write(f"speakerd {__version__}\n")
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "run": _run,
    "check": _check,
    "doctor": _doctor,
    "doctor audio": _doctor_audio,
    "doctor echo": _doctor_echo,
    "config show": _config_show,
    "config get": _config_get,
    "config set": _config_set,
    "config unset": _config_unset,
    "say": _say,
    "ask": _ask,
    "status": _status,
    "wish": _wish,
    "volume": _volume,
    "tools": _tools,
    "cost": _cost,
    "wake-test": _wake_test,
    "tune": _tune,
    "models": _models,
    "devices": _devices,
    "mic-test": _mic_test,
    "demo": _demo,
    "completion": _completion,
    "man": _man,
    "version": _version,
}
"""What is done, by the name that the tree gives it."""


def _socket(chosen: argparse.Namespace) -> Path:
    return Path(_settings(chosen).control.socket)


def _settings(chosen: argparse.Namespace) -> Settings:
    return load(_file(chosen), os.environ)


def _file(chosen: argparse.Namespace) -> Path | None:
    """The file of the settings; None where there is none."""
    if chosen.config is None and DEFAULT_CONFIGURATION.exists():
        return DEFAULT_CONFIGURATION
    path: Path | None = chosen.config
    return path


def _failed(error: SpeakerdError, code: int) -> int:
    sys.stderr.write(f"speakerd: {error}\n")
    return code
