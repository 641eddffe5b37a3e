"""The user in tests and in the demo: a synthetic voice for the room, from the program flite."""

from __future__ import annotations

import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import SpeechError

_LONGEST_RUN_SECONDS = 60


def synthesise(text: str, *, voice: str = "slt") -> tuple[NDArray[np.int16], int]:
    """Mono speech and its rate in Hz; `voice` is one of `flite -lv`. Raises SpeechError."""
    voices = _run_flite("-lv").partition(":")[2].split()
    if voice not in voices:  # flite would speak with its default voice and report success
        raise SpeechError(f'flite has no voice "{voice}": use one of {", ".join(sorted(set(voices)))}.')
    with tempfile.TemporaryDirectory() as folder:
        words, speech = Path(folder) / "words", Path(folder) / "speech.wav"
        words.write_text(text + "\n")
        _run_flite("-voice", voice, "-f", str(words), "-o", str(speech))
        try:
            with wave.open(str(speech)) as file:
                return np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate()
        except (OSError, EOFError, wave.Error) as error:
            raise SpeechError(f"flite wrote no speech ({error}): check that {folder} has free space.") from error


def _run_flite(*arguments: str) -> str:
    command = ["flite", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=_LONGEST_RUN_SECONDS).stdout
    except FileNotFoundError as error:
        raise SpeechError("The voice of the demo's user needs the program flite: apt install flite.") from error
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SpeechError(f"flite failed: {error}") from error
