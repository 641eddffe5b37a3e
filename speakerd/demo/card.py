"""The fake sound card: PyAudio plays and records on it as on hardware, and a story hears and speaks in its room.

The room's clock is CLOCK_MONOTONIC: it goes on from the moment the card was made, whether anybody listens or not.
Everything is a file in one folder; fakecard.h says what each of them holds.
"""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.resample import resampled
from speakerd.errors import AudioDeviceError

_SOURCES = [Path(__file__).with_name(name) for name in ("fakecard.c", "fakecard_files.c", "fakecard.h")]
_NEEDS = "apt install gcc libc6-dev libasound2-dev"
_POSITION = struct.Struct("<3Q")  # struct position in fakecard.h
_NOISE_PERIOD_SECONDS = 10


class FakeCard:
    """A sound card in a folder, plugged in; its ALSA and PortAudio name is "fakecard".

    `rate_hz` 0 accepts any rate; `ppm` is how much faster than the system's clock the card runs. Whatever an earlier
    card left in the folder is removed. Raises AudioDeviceError where the plugin cannot be built.
    """

    def __init__(self, folder: Path, *, rate_hz: int = 48000, channels: int = 2, ppm: int = 0) -> None:
        plugin = _built_plugin()
        self.folder = folder.resolve()
        self.channels = channels
        self._rate_hz = rate_hz
        self._ppm = ppm
        self._epoch_ns = time.monotonic_ns()
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("speaker", "mic"):
            for ending in ("raw", "log", "position"):
                (self.folder / f"{name}.{ending}").unlink(missing_ok=True)
        self.plug()
        self.make_free()
        (self.folder / "mic.raw").touch()
        configuration = self.folder / "alsa.conf"
        configuration.write_text(self._alsa_configuration(plugin))
        self.environment = {"ALSA_CONFIG_PATH": str(configuration), "JACK_NO_START_SERVER": "1"}
        """What a process that shall see this card, and no other, needs in its environment."""

    def mic_position(self) -> int:
        """The room's position now: the frame of mic.raw that the microphone hears."""
        ns = time.monotonic_ns() - self._epoch_ns
        return ns * self._rate() * (1_000_000 + self._ppm) // 10**15

    def mic_frames(self) -> int:
        """The room's position when a capture stream last looked; 0 if there was none."""
        return self._published("mic")[0]

    def speaker_frames(self) -> int:
        """Frames that have left the loudspeaker in the card's life."""
        return self._published("speaker")[0]

    def heard(self) -> NDArray[np.int16]:
        """All that has left the loudspeaker, exactly: int16 of shape (frames, channels)."""
        path = self.folder / "speaker.raw"
        pcm = np.fromfile(path, np.int16) if path.exists() else np.zeros(0, np.int16)
        whole = len(pcm) - len(pcm) % self.channels  # the card may be writing just now
        return pcm[:whole].reshape(-1, self.channels)

    def say(self, pcm: NDArray[np.int16], rate_hz: int, *, lead_ms: int = 80) -> int:
        """Mix mono speech into the room from `lead_ms` ahead of now on; returns the frame at which it begins."""
        speech = resampled(pcm, rate_hz, self._rate())
        start = self.mic_position() + self._rate() * lead_ms // 1000
        self._mix(start, speech)
        return start

    def fill_room_noise(self, seconds: float, level_dbfs: float, seed: int) -> None:
        """Mix pink noise into the room from now on, so that the mic hears no digital zero.

        `level_dbfs` is the RMS relative to full scale; the noise repeats itself every 10 seconds.
        """
        rate_hz = self._rate()
        period = _pink_noise(rate_hz * _NOISE_PERIOD_SECONDS, level_dbfs, seed)
        frames = round(seconds * rate_hz)
        self._mix(self.mic_position(), np.resize(period, frames))

    def unplug(self) -> None:
        """Pull the card as a USB card is pulled: running streams fail, and opening fails with ENODEV."""
        (self.folder / "unplug").touch()

    def plug(self) -> None:
        """Plug the card in again."""
        (self.folder / "unplug").unlink(missing_ok=True)

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
        """All underruns and overruns: a test run that has any was disturbed by a busy machine."""
        lines = self.log("speaker") + self.log("mic")
        return [line for line in lines if "UNDERRUN" in line or "OVERRUN" in line]

    def _published(self, name: str) -> tuple[int, int, int]:
        path = self.folder / f"{name}.position"
        data = path.read_bytes() if path.exists() else b""
        if len(data) < _POSITION.size:
            return 0, 0, 0
        frames, start_ns, rate_hz = _POSITION.unpack(data)
        return frames, start_ns, rate_hz

    def _rate(self) -> int:
        rate_hz = self._rate_hz or self._published("mic")[2]
        if not rate_hz:
            raise AudioDeviceError(f"The fake card in {self.folder} takes any rate: open its microphone first.")
        return rate_hz

    def _mix(self, start: int, pcm: NDArray[np.int16]) -> None:
        offset = start * self.channels * 2
        with (self.folder / "mic.raw").open("r+b") as file:
            file.seek(offset)
            there = np.frombuffer(file.read(len(pcm) * self.channels * 2), np.int16)
            room = np.repeat(pcm.astype(np.int32), self.channels)
            room[: len(there)] += there
            file.seek(offset)
            file.write(np.clip(room, -32768, 32767).astype(np.int16).tobytes())

    def _alsa_configuration(self, plugin: Path) -> str:
        fields = f'epoch_ns "{self._epoch_ns}" rate {self._rate_hz} channels {self.channels} ppm {self._ppm}'
        return (
            f'pcm_type.fakecard {{ lib "{plugin}" }}\n'
            f'pcm.fakecard {{ type fakecard dir "{self.folder}" {fields} hint {{ show on description "fakecard" }} }}\n'
            "# PortAudio aborts without a default pcm.\n"
            'pcm.!default { type plug slave.pcm fakecard hint { show on description "default" } }\n'
        )


def _built_plugin() -> Path:
    """The compiled plugin in the user's cache, built at first use and whenever the source has changed."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "speakerd"
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in _SOURCES)).hexdigest()
    plugin = cache / f"fakecard-{digest}.so"
    if not plugin.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            built = Path(folder) / plugin.name
            _compile(built)
            built.replace(plugin)
    return plugin


def _compile(target: Path) -> None:
    command = ["gcc", "-O2", "-shared", "-fPIC", "-DPIC", "-o", str(target)]
    command += [str(source) for source in _SOURCES if source.suffix == ".c"] + ["-lasound"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise AudioDeviceError(f"The fake sound card needs a C compiler: {_NEEDS}.") from error
    if result.returncode == 0:
        return
    if "alsa/" in result.stderr or "-lasound" in result.stderr:
        raise AudioDeviceError(f"The fake sound card needs the headers of ALSA: {_NEEDS}.")
    raise AudioDeviceError(f"{_SOURCES[0]} cannot be compiled: {result.stderr.strip()}")


def _pink_noise(frames: int, level_dbfs: float, seed: int) -> NDArray[np.int16]:
    """Noise with a power of 1/f that joins its own beginning without a click."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(frames))
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, frames)
    noise *= 32768 * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(noise**2))
    return np.clip(np.round(noise), -32768, 32767).astype(np.int16)
