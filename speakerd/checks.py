"""What can be checked before the speaker runs; each failure is one sentence that says what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from speakerd.audio.devices import list_devices, resolve, with_board_card
from speakerd.errors import SpeakerdError, SpeechError
from speakerd.folders import state_folder
from speakerd.gpio.boards import load_board
from speakerd.gpio.panel import Panel
from speakerd.mqtt.setup import check_mqtt
from speakerd.realtime.endpoints import endpoints
from speakerd.settings import Settings
from speakerd.wakeword.ears import equipment


def check_all(settings: Settings) -> Iterator[tuple[str, SpeakerdError | None]]:
    """Name of each check, and what is wrong; in the order in which the speaker needs them."""
    checks: dict[str, Callable[[Settings], object]] = {
        "state": lambda s: state_folder(s, os.environ),
        "board": _board,
        "wake word": _wake_word,
        "sound card": _sound_card,
        "endpoint": lambda s: endpoints(s, Path("offline.sock"), os.environ),
        "speech": _speech,
        "mqtt": lambda s: check_mqtt(s.mqtt, os.environ),
    }
    for name, check in checks.items():
        try:
            check(settings)
        except SpeakerdError as error:
            yield name, error
        else:
            yield name, None


def _board(settings: Settings) -> None:
    Panel(load_board(settings.board), lambda event: None).close()


def _wake_word(settings: Settings) -> None:
    equipment(settings.wake_word)


def _sound_card(settings: Settings) -> None:
    audio = with_board_card(settings.audio, load_board(settings.board).card)
    devices = list_devices()
    resolve(devices, audio.input, "input")
    resolve(devices, audio.output, "output")


def _speech(settings: Settings) -> None:
    """The offline assistant needs a program to speak with."""
    program = "piper" if settings.offline.voice.endswith(".onnx") else "espeak-ng"
    if settings.endpoint.name == "offline" and shutil.which(program) is None:
        raise SpeechError(f"The program {program} is missing: install it, or change offline.voice.")
