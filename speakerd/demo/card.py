"""The fake sound card: PyAudio plays and records on it as on hardware, and a story hears and speaks in its room.

The room's clock is CLOCK_MONOTONIC: it goes on from the moment the card was made, whether anybody listens or not.
Everything is a file in one folder; fakecard.h says what each of them holds.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.resample import resampled
from speakerd.demo.fakecard_plugin import built_plugin
from speakerd.demo.fakecard_sound import mix_into, pink_noise
from speakerd.errors import AudioDeviceError

Direction: TypeAlias = Literal["mic", "speaker"]
Style: TypeAlias = Literal["pollerr", "enodev", "hang"]

_POSITION = struct.Struct("<3Q")  # struct position in fakecard.h
_NOISE_PERIOD_SECONDS = 10


class FakeCard:
    """A sound card in a folder, plugged in.

    `name` is its ALSA and PortAudio name. `rate_hz` 0 accepts any rate; `ppm` is how much faster than the system's
    clock the card runs. `channels` are the loudspeaker's and, unless `mic_channels` says otherwise, the microphone's.
    Wake-ups and the reported position come late by up to `jitter_us`, the same for the same `seed`. Whatever an
    earlier card left in the folder is removed. Raises AudioDeviceError where the plugin cannot be built.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "fakecard",
        rate_hz: int = 48000,
        channels: int = 2,
        mic_channels: int | None = None,
        sample_format: Literal["S16_LE", "S32_LE"] = "S16_LE",
        directions: Sequence[Direction] = ("mic", "speaker"),
        ppm: int = 0,
        jitter_us: int = 0,
        seed: int = 1,
    ) -> None:
        self.folder = folder.resolve()
        self.name = name
        self.rate_hz = rate_hz
        self.channels = channels
        self.mic_channels = channels if mic_channels is None else mic_channels
        self.sample_format = sample_format
        self.directions = tuple(directions)
        self.ppm = ppm
        self._jitter_us = jitter_us
        self._seed = seed
        self._check()
        self._plugin = built_plugin()
        self.epoch_ns = time.monotonic_ns()
        """When the microphone's first frame was heard, in nanoseconds of CLOCK_MONOTONIC."""
        self.dtype: type[np.int16] | type[np.int32] = np.int16 if sample_format == "S16_LE" else np.int32
        self._clear()
        self.environment = sound_environment([self])
        """What a process that shall see this card, and no other, needs in its environment."""

    def mic_position(self) -> int:
        """The room's position now: the frame of mic.raw that the microphone hears."""
        ns = time.monotonic_ns() - self.epoch_ns
        return ns * self._rate() * (1_000_000 + self.ppm) // 10**15

    def mic_frames(self) -> int:
        """The room's position when a capture stream last looked; 0 if there was none."""
        return self._published("mic")[0]

    def speaker_frames(self) -> int:
        """Frames that have left the loudspeaker in the card's life."""
        return self._published("speaker")[0]

    def heard(self) -> NDArray[Any]:
        """All that has left the loudspeaker, exactly: int16 (int32 of S32_LE) of shape (frames, channels)."""
        path = self.folder / "speaker.raw"
        pcm = np.fromfile(path, self.dtype) if path.exists() else np.zeros(0, self.dtype)
        whole = len(pcm) - len(pcm) % self.channels  # the card may be writing just now
        return pcm[:whole].reshape(-1, self.channels)

    def say(self, pcm: NDArray[np.int16], rate_hz: int, *, lead_ms: int = 80, channel: int | None = None) -> int:
        """Mix mono speech into the room from `lead_ms` ahead of now on; returns the frame at which it begins.

        It reaches all microphone channels, or only `channel`.
        """
        speech = (resampled(pcm, rate_hz, self._rate()) / 32768).astype(np.float32)
        start = self.mic_position() + self._rate() * lead_ms // 1000
        self.mix(start, speech, channel)
        return start

    def fill_room_noise(self, seconds: float, level_dbfs: float, seed: int, *, channel: int | None = None) -> None:
        """Mix pink noise into the room from now on, so that the mic hears no digital zero.

        `level_dbfs` is the RMS relative to full scale; the noise repeats itself every 10 seconds.
        """
        rate_hz = self._rate()
        period = pink_noise(rate_hz * _NOISE_PERIOD_SECONDS, level_dbfs, seed)
        self.mix(self.mic_position(), np.resize(period, round(seconds * rate_hz)), channel)

    def mix(self, start: int, sound: NDArray[np.float32], channel: int | None = None) -> None:
        """Add mono sound of -1 to 1 to what the microphone hears from frame `start` on."""
        with (self.folder / "mic.raw").open("r+b", buffering=0) as file:
            mix_into(file, np.dtype(self.dtype), self.mic_channels, start, sound, channel)

    def disturb(self, direction: Direction) -> None:
        """Make one xrun of the running stream, or of the next one; the log calls it INJECTED."""
        (self.folder / f"disturb.{direction}").touch()

    def unplug(self, direction: Direction | None = None, style: Style = "pollerr") -> None:
        """Pull the card, or one direction of it: running streams fail for ever, and opening fails with ENODEV.

        "pollerr" is how a pulled USB card shows itself; with "enodev" every call fails while poll tells of no error;
        with "hang" a running stream is never ready again and nothing tells of an error.
        """
        whole = self.folder / "pulling"
        whole.write_text(style)
        whole.replace(self.folder / _unplug_file(direction))

    def plug(self) -> None:
        """Plug the card in again, in both directions."""
        for direction in (None, "mic", "speaker"):
            (self.folder / _unplug_file(direction)).unlink(missing_ok=True)

    def make_busy(self) -> None:
        """Let every open fail with EBUSY, as if another program had the card; running streams go on."""
        (self.folder / "busy").touch()

    def make_free(self) -> None:
        """End make_busy."""
        (self.folder / "busy").unlink(missing_ok=True)

    def log(self, name: str) -> list[str]:
        """The lines of "speaker" or "mic": monotonic seconds, an event in capitals, details."""
        path = self.folder / f"{name}.log"
        return path.read_text().splitlines() if path.exists() else []

    def faults(self) -> list[str]:
        """All underruns and overruns that nobody asked for: such a test run was disturbed by a busy machine."""
        return [line for line in self._xruns() if "INJECTED" not in line]

    def injected(self) -> list[str]:
        """The underruns and overruns that `disturb` has made."""
        return [line for line in self._xruns() if "INJECTED" in line]

    def alsa_definition(self) -> str:
        """The card's pcm for an alsa.conf that knows the plugin."""
        fields = {
            "dir": f'"{self.folder}"',
            "epoch_ns": f'"{self.epoch_ns}"',
            "rate": self.rate_hz,
            "channels": self.channels,
            "mic_channels": self.mic_channels,
            "format": f'"{self.sample_format}"',
            "directions": "both" if len(self.directions) == 2 else self.directions[0],
            "ppm": self.ppm,
            "step": max(1, (self.rate_hz or 48000) // 1000),
            "jitter_us": self._jitter_us,
            "seed": self._seed,
        }
        text = " ".join(f"{key} {value}" for key, value in fields.items())
        hint = f'hint {{ show on description "{self.name}" }}'
        return f'pcm_type.fakecard {{ lib "{self._plugin}" }}\npcm."{self.name}" {{ type fakecard {text} {hint} }}\n'

    def _check(self) -> None:
        if not re.fullmatch(r"[A-Za-z][\w-]*", self.name) or self.name == "default":
            raise ValueError(f"A fake card cannot be named {self.name!r}: use letters, digits, _ and -.")
        if self.rate_hz and not 8000 <= self.rate_hz <= 192_000:
            raise ValueError(f"A fake card cannot run at {self.rate_hz} Hz: take 8000 to 192000, or 0 for any.")
        if not (1 <= self.channels <= 8 and 1 <= self.mic_channels <= 8):
            raise ValueError("A fake card has 1 to 8 channels in each direction.")
        if not self.directions or not set(self.directions) <= {"mic", "speaker"}:
            raise ValueError('The directions of a fake card are "mic", "speaker" or both.')

    def _clear(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("speaker", "mic"):
            for ending in ("raw", "log", "position"):
                (self.folder / f"{name}.{ending}").unlink(missing_ok=True)
            (self.folder / f"disturb.{name}").unlink(missing_ok=True)
        self.plug()
        self.make_free()
        (self.folder / "mic.raw").touch()

    def _xruns(self) -> list[str]:
        return [line for line in self.log("speaker") + self.log("mic") if "UNDERRUN" in line or "OVERRUN" in line]

    def _published(self, name: str) -> tuple[int, int, int]:
        path = self.folder / f"{name}.position"
        data = path.read_bytes() if path.exists() else b""
        if len(data) < _POSITION.size:
            return 0, 0, 0
        frames, start_ns, rate_hz = _POSITION.unpack(data)
        return frames, start_ns, rate_hz

    def _rate(self) -> int:
        rate_hz = self.rate_hz or self._published("mic")[2]
        if not rate_hz:
            raise AudioDeviceError(f"The fake card in {self.folder} takes any rate: open its microphone first.")
        return rate_hz


def sound_environment(cards: Sequence[FakeCard], default: FakeCard | None = None) -> dict[str, str]:
    """What a process needs in its environment to see these cards and no others.

    ALSA's default pcm is `default`, or else the first card that can play and the first that can record.
    """
    if len({card.name for card in cards}) < len(cards):
        raise ValueError("Fake cards that a process sees at once need names of their own.")
    configuration = cards[0].folder / ("alsa.conf" if len(cards) == 1 else "alsa.several.conf")
    definitions = "".join(card.alsa_definition() for card in cards)
    configuration.write_text(definitions + _default_definition([default] if default else cards))
    return {"ALSA_CONFIG_PATH": str(configuration), "JACK_NO_START_SERVER": "1"}


def _default_definition(cards: Sequence[FakeCard]) -> str:
    """PortAudio aborts without a default pcm."""
    slaves = []
    for stream, direction in (("playback", "speaker"), ("capture", "mic")):
        names = [card.name for card in cards if direction in card.directions]
        if names:
            slaves.append(f'{stream}.pcm {{ type plug slave.pcm "{names[0]}" }}')
    return f'pcm.!default {{ type asym {" ".join(slaves)} hint {{ show on description "default" }} }}\n'


def _unplug_file(direction: str | None) -> str:
    return "unplug" if direction is None else f"unplug.{direction}"
