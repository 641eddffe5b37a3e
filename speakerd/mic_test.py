"""`speakerd mic-test`: how well the microphone hears, as a live meter, in figures and in words; then what it heard.

The recording stays in memory: it is never written to a disk.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.devices import with_board_card
from speakerd.audio.mic_levels import MicFigures, MicLevels, verdict
from speakerd.audio.own_card import OwnCard, own_card
from speakerd.errors import AudioDeviceError, ControlError
from speakerd.gpio.boards import load_board
from speakerd.service.client import is_served
from speakerd.settings import Settings

_RECORDED_FRAMES = 125
_LINE_FRAMES = 13
"""Without a terminal a line is printed for each second."""


@dataclass(frozen=True, slots=True)
class MicTestOptions:
    """What the command line says."""

    seconds: float = 10.0
    as_json: bool = False
    """Print one object of JSON, and nothing else."""
    plays_back: bool = True
    """Play the last 10 seconds through the loudspeaker at the end."""


def run(
    settings: Settings,
    chosen: MicTestOptions,
    *,
    environment: Mapping[str, str] | None = None,
    out: TextIO | None = None,
) -> int:
    """Test, print, and give the exit code; `environment` adds to that of the sound card's process."""
    trial = _Trial(settings, chosen, out or sys.stdout)
    asyncio.run(trial.run(environment or {}))
    return 0


class _Trial:
    def __init__(self, settings: Settings, chosen: MicTestOptions, out: TextIO) -> None:
        self._settings = settings
        self._chosen = chosen
        self._out = out
        self._levels = MicLevels()
        self._recording: deque[NDArray[np.int16]] = deque(maxlen=_RECORDED_FRAMES)

    async def run(self, environment: Mapping[str, str]) -> None:
        if await is_served(Path(self._settings.control.socket)):
            raise ControlError(
                "The running speaker has the microphone: stop it first (systemctl stop speakerd), "
                "or run `speakerd wake-test`, which asks it."
            )
        audio = with_board_card(self._settings.audio, load_board(self._settings.board).card)
        loop = asyncio.get_running_loop()
        async with own_card(audio, environment) as card:
            loop.add_signal_handler(signal.SIGINT, card.end)
            try:
                await self._listen(card)
                self._tell(card.plane.health.overruns)
                if self._chosen.plays_back and self._recording:
                    self._say(f"Now you hear the last {len(self._recording) * 0.08:.0f} seconds.")
                    await card.play(np.concatenate(self._recording))
            finally:
                loop.remove_signal_handler(signal.SIGINT)

    async def _listen(self, card: OwnCard) -> None:
        self._say(f"Speak as you will speak to it, with pauses, for {self._chosen.seconds:.0f} seconds.")
        async for frame in card.frames():
            self._levels.take(frame)
            self._recording.append(frame)
            self._show()
            if self._levels.seconds >= self._chosen.seconds:
                break
        card.plane.capture.close()

    def _show(self) -> None:
        if self._chosen.as_json:
            return
        if self._out.isatty():
            columns = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r{self._levels.line()[:columns]}\x1b[K")
            self._out.flush()
        elif self._levels.frames % _LINE_FRAMES == 1:
            self._say(self._levels.line())

    def _tell(self, overruns: int) -> None:
        if not self._levels.frames:
            raise AudioDeviceError("Nothing was recorded: let the test run for longer.")
        figures = self._levels.figures()
        sentences = verdict(figures, self._settings.audio.input_gain_db)
        if self._chosen.as_json:
            self._out.write(json.dumps(_report(figures, overruns) | {"advice": sentences}) + "\n")
            return
        self._say("")
        for line in (*_lines(figures, overruns), "", *sentences):
            self._say(line)

    def _say(self, line: str) -> None:
        if not self._chosen.as_json:
            self._out.write(f"{line}\n")
            self._out.flush()


def _lines(figures: MicFigures, overruns: int) -> tuple[str, ...]:
    speech = "nobody spoke" if figures.speech_dbfs is None else f"{figures.speech_dbfs:.0f} dBFS"
    above = "" if figures.snr_db is None else f", {figures.snr_db:.0f} dB above the room"
    return (
        f"room         {figures.noise_floor_dbfs:.0f} dBFS",
        f"speech       {speech}{above}",
        f"peak         {figures.peak_dbfs:.0f} dBFS, {figures.clipped_samples} samples clipped",
        f"off centre   {figures.dc_offset:+.2%} of full scale",
        f"mains hum    {f'{figures.hum_hz} Hz' if figures.hum_hz else 'none'}",
        f"overruns     {overruns}",
    )


def _report(figures: MicFigures, overruns: int) -> dict[str, object]:
    snr_db = None if figures.snr_db is None else round(figures.snr_db, 1)
    rounded = {key: round(value, 5) if isinstance(value, float) else value for key, value in asdict(figures).items()}
    return {**rounded, "snr_db": snr_db, "overruns": overruns}
