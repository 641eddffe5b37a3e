"""The echo room around fake cards: a process of its own, so that it takes neither the speaker's time nor its GIL."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from speakerd.demo.acoustics import RoomSettings
from speakerd.demo.acoustics_cards import mic_side, speaker_side
from speakerd.demo.card import FakeCard
from speakerd.errors import AudioDeviceError

_END_SECONDS = 10


@dataclass(frozen=True, slots=True)
class RoomReport:
    """How a room has done so far."""

    late_frames: int
    """Frames of the loudspeaker or the microphone that came too late: with any, a run proves nothing."""
    seconds: float
    cpu_seconds: float

    @property
    def cpu_share(self) -> float:
        """Of one core."""
        return self.cpu_seconds / self.seconds


class EchoRoom:
    """What one card's loudspeaker plays comes back to its microphone, or to another card's, until `close`.

    Echo, room noise and speech reach all microphone channels, or only `channel`. `settings.jump` counts from here.
    """

    def __init__(
        self,
        mic: FakeCard,
        speaker: FakeCard | None = None,
        settings: RoomSettings | None = None,
        *,
        channel: int | None = None,
    ) -> None:
        speaker = speaker or mic
        if not (mic.rate_hz and speaker.rate_hz):
            raise ValueError("The echo room needs cards of a fixed rate.")
        given = {
            "mic": asdict(mic_side(mic)),
            "speaker": asdict(speaker_side(speaker)),
            "settings": asdict(settings or RoomSettings()),
            "channel": channel,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "speakerd.demo.acoustics_process", json.dumps(given)],
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            self._cpu_before: float = self._answer()["cpu_seconds"]
        except AudioDeviceError:
            self.close()
            raise

    def say(self, pcm: NDArray[np.int16], rate_hz: int, level_dbfs: float) -> float:
        """Let someone in the room say this; returns the monotonic second at which its first sample is heard.

        `level_dbfs` is the RMS of the active speech at the microphone, reverberation included.
        """
        encoded = base64.b64encode(pcm.astype(np.int16).tobytes()).decode()
        at: float = self._ask({"say": encoded, "rate_hz": rate_hz, "level_dbfs": level_dbfs})["at"]
        return at

    def report(self) -> RoomReport:
        """How the room has done so far."""
        answer = self._ask({"report": True})
        return RoomReport(answer["late_frames"], answer["seconds"], answer["cpu_seconds"] - self._cpu_before)

    def close(self) -> None:
        """End the room; what is in the microphone's near future stays there."""
        if self._process.stdin and self._process.stdout:
            self._process.stdin.close()
            self._process.wait(_END_SECONDS)
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin  # noqa: S101
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise AudioDeviceError("The echo room has ended: see what its process wrote to stderr.") from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout  # noqa: S101
        line = self._process.stdout.readline()
        if not line:
            raise AudioDeviceError("The echo room has ended: see what its process wrote to stderr.")
        answer: dict[str, Any] = json.loads(line)
        return answer
