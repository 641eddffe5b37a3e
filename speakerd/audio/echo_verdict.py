"""What the echo test found with this sound card, kept in the state folder: only a passed one unlocks full duplex."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from speakerd.settings import AudioSettings

_FILE = "echo.json"


@dataclass(frozen=True, slots=True)
class EchoVerdict:
    """One test of one pair of devices."""

    passed: bool
    input: str
    output: str
    canceller: str
    delay_ms: float | None
    """How long our own sound takes until the microphone hears it."""
    drift_ppm: float | None
    """How much faster the card captures than it plays; None where that was not measured."""
    erle_db: float
    """By how much the canceller makes the echo quieter."""
    barge_ins: int
    """How often our own sound was taken for a talker."""
    self_wakes: int
    """How often our own sound was taken for the wake word."""

    def is_of(self, audio: AudioSettings) -> bool:
        """Whether these devices and this canceller were tested."""
        return (self.input, self.output, self.canceller) == (audio.input, audio.output, audio.canceller)


def load(folder: Path) -> EchoVerdict | None:
    """The last verdict; None where there is none that can be read."""
    try:
        values = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return EchoVerdict(**{field.name: values[field.name] for field in fields(EchoVerdict)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(folder: Path, verdict: EchoVerdict) -> None:
    """Keep a verdict in place of the last one; raises OSError."""
    unfinished = folder / f"{_FILE}.unfinished"
    unfinished.write_text(json.dumps(asdict(verdict), indent=1) + "\n", encoding="utf-8")
    unfinished.chmod(0o644)  # the service reads what root has written
    unfinished.replace(folder / _FILE)
