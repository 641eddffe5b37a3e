"""The recipe: makes what is missing of the corpus, and the manifest that describes every file."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from corpus import plan, recordings
from corpus.sentences import long_text
from corpus.sound import SAMPLE_RATE_HZ, Sound, amplitude, coloured, read, rms, seconds, white, write, write_bytes
from corpus.voices import Missing, Voice, available, spoken

Entry = dict[str, object]
_FILE_LEVEL_DBFS = -26.0
_NOISE_LEVEL_DBFS = -40.0
_BABBLE_SECONDS = 60
_BABBLE_VOICES = ("flite-rms", "flite-slt", "flite-awb", "espeak-en-us", "espeak-en-gb", "espeak-en-gb-scotland")
_READERS = (
    *_BABBLE_VOICES,
    "flite-kal16",
    "espeak-en-us+f4",
    "espeak-en-gb+m5",
    "espeak-en-029",
    "hibari-heart",
    "piper-joe",
)
"""The fast ones."""


@dataclass
class Corpus:
    """A folder that is being filled."""

    folder: Path
    quick: bool
    voices: list[Voice]
    missing: list[Missing]
    entries: list[Entry] = field(default_factory=list)

    def make(self) -> None:
        """Stage after stage, each with the manifest of what is there, so that it can be used before the rest."""
        stages = [self.noises(), self.clips(), self.readings()]
        if not self.quick:
            stages.append(self.recordings())
        for number, stage in enumerate(stages, 1):
            for entry in stage:
                self.entries.append(entry)
                if len(self.entries) % 50 == 0:
                    _tell(f"{len(self.entries)} files")
            self.describe(number == len(stages))

    def noises(self) -> Iterator[Entry]:
        """Noise of four colours without a voice, and babble."""
        samples = (15 if self.quick else 300) * SAMPLE_RATE_HZ
        hum = sum(np.sin(2 * np.pi * hz / SAMPLE_RATE_HZ * np.arange(samples)) / hz for hz in range(50, 1000, 50))
        colours: dict[str, Callable[[int], Sound]] = {
            "white": lambda number: white(samples, number),
            "pink": lambda number: coloured(samples, number, 1),
            "brown": lambda number: coloured(samples, number, 2),
            "hum": lambda number: hum / rms(hum) + white(samples, number) * amplitude(-20),
            "babble": lambda _: self.babble,
        }
        for name, noise in colours.items():
            path, number = f"noise/{name}.wav", plan.seed("noise", name)
            if not (self.folder / path).exists():
                write(self.folder / path, noise(number) * amplitude(_NOISE_LEVEL_DBFS))
            yield self._entry(path, "noise", source="made", licence="none: made by numbers", noise=name, seed=number)

    def clips(self) -> Iterator[Entry]:
        """Wake words and what only sounds like them."""
        voices = {voice.name: voice for voice in self.voices}
        clips = [*plan.positives(list(voices), self.quick), *plan.hard_negatives(list(voices), self.quick)]
        for clip in clips:
            voice = voices[clip.voice]
            word = spoken(voice, clip.text, clip.speed, self.folder)
            if not (self.folder / clip.path).exists():
                command = spoken(voice, clip.command, clip.speed, self.folder) if clip.command else np.zeros(0)
                write(self.folder / clip.path, plan.mixed(clip, word, command, self.babble))
            end = {"word_end_sample": plan.word_end_sample(word)} if clip.kind == "positive" else {}
            fields = asdict(clip) | {"engine": voice.engine, "seed": clip.seed} | end
            yield self._entry(clip.path, source=voice.source, licence=voice.licence, **fields)

    def readings(self) -> Iterator[Entry]:
        """Long texts that some voices read, one file each."""
        for voice in [voice for voice in self.voices if voice.name in _READERS][: 2 if self.quick else None]:
            path = f"speech/reading-{voice.name}.wav"
            if not (self.folder / path).exists():
                read_aloud = self._reading(voice, 45 if self.quick else 420)
                write(self.folder / path, read_aloud * (amplitude(_FILE_LEVEL_DBFS) / rms(read_aloud)))
            fields = {"voice": voice.name, "engine": voice.engine, "speed": 1.0, "room": "dry"}
            yield self._entry(path, "speech", source=voice.source, licence=voice.licence, **fields)

    def recordings(self) -> Iterator[Entry]:
        """Recorded speech and music."""
        self.missing += recordings.NEVER
        for package in recordings.PACKAGES:
            _tell(f"package {package.name}")
            found, missing = recordings.recordings(package, self.folder)
            self.missing += missing
            yield from (self._entry(**asdict(recording)) for recording in found)

    @cached_property
    def babble(self) -> Sound:
        """A minute of six voices at once, RMS 1."""
        path = self.folder / "dry" / "babble.wav"
        if not path.exists():
            speakers = [voice for voice in self.voices if voice.name in _BABBLE_VOICES]
            if not speakers:
                sys.exit("No voice for the babble is there: run apt-get install flite espeak-ng.")
            together = np.zeros(_BABBLE_SECONDS * SAMPLE_RATE_HZ)
            for speaker in speakers:
                one = self._reading(speaker, _BABBLE_SECONDS)[: len(together)]
                together += one / rms(one)
            write(path, together * (amplitude(_FILE_LEVEL_DBFS) / rms(together)))
        sound = read(path)
        return sound / rms(sound)

    def describe(self, complete: bool) -> None:
        """Writes the manifest and a table of the licences."""
        manifest = {"complete": complete, "quick": self.quick, "seed": plan.SEED, "sample_rate_hz": SAMPLE_RATE_HZ}
        voices = [{"name": v.name, "engine": v.engine, "source": v.source, "licence": v.licence} for v in self.voices]
        lists = {"voices": voices, "missing": [asdict(gone) for gone in self.missing], "files": self.entries}
        write_bytes(self.folder / "manifest.json", json.dumps(manifest | lists, indent=1).encode())

    def _reading(self, voice: Voice, at_least_seconds: float) -> Sound:
        text = long_text()
        start = plan.seed(voice.name, "reading") % len(text)
        parts: list[Sound] = []
        samples = 0
        for paragraph in [*text[start:], *text[:start]]:
            sound = voice.speak(paragraph, 1.0)
            parts.append(sound)
            samples += len(sound)
            if samples >= at_least_seconds * SAMPLE_RATE_HZ:
                break
        return np.concatenate(parts)

    def _entry(self, path: str, kind: str, **fields: object) -> Entry:
        common = {"word": "", "voice": "", "speed": None, "room": "", "snr_db": None, "seed": None}
        return {"path": path, "kind": kind, **common, **fields, "seconds": round(seconds(self.folder / path), 3)}


def main() -> None:
    """Makes the corpus and tells what is in it."""
    options = _options()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "speakerd"
    folder = (options.folder or cache / ("corpus-quick" if options.quick else "corpus")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        corpus = Corpus(folder, options.quick, *available(folder, options.quick))
        corpus.make()
    summary = _summary(corpus) | {"took_seconds": round(time.monotonic() - started, 1)}
    sys.stdout.write(json.dumps(summary) + "\n" if options.json else _sentences(summary))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/corpus", description="Makes the audio that the wake word is measured with."
    )
    parser.add_argument("--folder", type=Path, help="default: corpus or corpus-quick below ~/.cache/speakerd")
    parser.add_argument("--quick", action="store_true", help="under ten minutes of audio by flite and espeak-ng alone")
    parser.add_argument("--json", action="store_true", help="the summary as one JSON object")
    return parser.parse_args()


def _summary(corpus: Corpus) -> dict[str, object]:
    files = Counter(str(entry["kind"]) for entry in corpus.entries)
    hours: Counter[str] = Counter()
    for entry in corpus.entries:
        hours[str(entry["kind"])] += float(str(entry["seconds"])) / 3600  # type: ignore[assignment] # a sum, not a count
    size = sum(path.stat().st_size for path in corpus.folder.rglob("*") if path.is_file())
    return {
        "folder": str(corpus.folder),
        "files": dict(files),
        "hours": {kind: round(hour, 3) for kind, hour in hours.items()},
        "voices": len(corpus.voices),
        "missing": [asdict(gone) for gone in corpus.missing],
        "mib": round(size / 2**20),
    }


def _sentences(summary: dict[str, object]) -> str:
    missing = summary.pop("missing")
    assert isinstance(missing, list)
    lines: Iterable[str] = (f"left out: {gone['name']}: {gone['reason']}" for gone in missing)
    return "\n".join([*(f"{key}: {value}" for key, value in summary.items()), *lines]) + "\n"


def _tell(what: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
