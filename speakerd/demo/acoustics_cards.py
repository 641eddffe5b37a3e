"""The fake cards as the echo room sees them: their clocks, what the loudspeaker has played, and where the mic hears."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from speakerd.demo.acoustics_filters import Signal
from speakerd.demo.card import FakeCard
from speakerd.demo.fakecard_sound import mix_into

_IDLE_SECONDS = 0.005
"""A stream may have started so recently that its log does not tell of it."""


@dataclass(frozen=True, slots=True)
class CardSide:
    """One direction of a fake card, for another process."""

    folder: str
    epoch_ns: int
    rate_hz: int
    ppm: int
    channels: int
    sample_format: str

    @property
    def dtype(self) -> np.dtype[np.int16] | np.dtype[np.int32]:
        """The type of its samples."""
        return np.dtype(np.int16) if self.sample_format == "S16_LE" else np.dtype(np.int32)

    @property
    def true_hz(self) -> float:
        """Frames in a second of the system's clock."""
        return self.rate_hz * (1 + self.ppm / 1e6)

    def frames(self, seconds: float) -> float:
        """The place on the card's clock, counted from its epoch, at a monotonic time."""
        return (seconds - self.epoch_ns / 1e9) * self.true_hz

    def seconds(self, frames: float) -> float:
        """The monotonic time of a place on the card's clock."""
        return self.epoch_ns / 1e9 + frames / self.true_hz


def mic_side(card: FakeCard) -> CardSide:
    """The microphone of a card."""
    return CardSide(str(card.folder), card.epoch_ns, card.rate_hz, card.ppm, card.mic_channels, card.sample_format)


def speaker_side(card: FakeCard) -> CardSide:
    """The loudspeaker of a card."""
    return CardSide(str(card.folder), card.epoch_ns, card.rate_hz, card.ppm, card.channels, card.sample_format)


class Loudspeaker:
    """Follows speaker.raw and puts each frame at its place on the card's clock; where nothing played is silence.

    `late_frames` counts what came after its place had been taken.
    """

    def __init__(self, side: CardSide, first_place: int) -> None:
        self._side = side
        self._dtype = side.dtype
        self._frame_bytes = side.channels * side.dtype.itemsize
        full_scale = -float(np.iinfo(side.dtype).min)
        self._to_mono = np.full(side.channels, 1 / (side.channels * full_scale), np.float32)
        self._sound_file = _opened(side, "speaker.raw")
        self._log_file = _opened(side, "speaker.log")
        self.late_frames = 0
        self.known_until = first_place
        """All places before this one are known."""
        self._taken = first_place
        self._tape = np.zeros(side.rate_hz // 4, np.float32)
        self._read_frames = 0
        self._log_bytes = 0
        self._is_running = False
        self._runs: list[tuple[int, int]] = []
        """(first frame in speaker.raw, its place) of each run."""

    def look(self, now: float) -> None:
        """Take in what has been played by now."""
        self._read_log()
        was_running = self._is_running
        sound = self._read_sound()
        self._read_log()  # no frame without the start of its run
        self._place(sound)
        if was_running:
            first_frame, place = self._runs[-1]
            self.known_until = place + self._read_frames - first_frame
        else:
            self.known_until = int(self._side.frames(now - _IDLE_SECONDS))

    def take(self, frames: int) -> Signal:
        """The next frames, whether they are known or not."""
        sound = self._tape[:frames].copy()
        self._tape[:-frames] = self._tape[frames:]
        self._tape[-frames:] = 0
        self._taken += frames
        return sound

    def close(self) -> None:
        """Let go of the files."""
        os.close(self._sound_file)
        os.close(self._log_file)

    def _read_log(self) -> None:
        size = os.fstat(self._log_file).st_size
        if size == self._log_bytes:
            return
        lines = os.pread(self._log_file, size - self._log_bytes, self._log_bytes).split(b"\n")[:-1]
        for line in lines:
            self._log_bytes += len(line) + 1
            seconds, event, *details = line.decode().split()
            self._is_running = event == "START"
            if self._is_running:
                first_frame = int(details[0].removeprefix("frame="))
                self._runs.append((first_frame, round(self._side.frames(float(seconds)))))

    def _read_sound(self) -> Signal:
        at = self._read_frames * self._frame_bytes
        size = os.fstat(self._sound_file).st_size - at
        data = os.pread(self._sound_file, size - size % self._frame_bytes, at)
        pcm = np.frombuffer(data, self._dtype).reshape(-1, self._side.channels)
        mono: Signal = pcm.astype(np.float32) @ self._to_mono
        return mono

    def _place(self, sound: Signal) -> None:
        if not len(sound):
            return
        ends = [first_frame for first_frame, _ in self._runs[1:]] + [self._read_frames + len(sound)]
        for (first_frame, place), end in zip(self._runs, ends, strict=True):
            begin = max(first_frame, self._read_frames)
            if begin < end:
                piece = sound[begin - self._read_frames : end - self._read_frames]
                self._put(place + begin - first_frame, piece)
        self._runs = self._runs[-1:]
        self._read_frames += len(sound)

    def _put(self, place: int, sound: Signal) -> None:
        late = min(len(sound), max(0, self._taken - place))
        self.late_frames += late
        at = place + late - self._taken
        end = at + len(sound) - late
        if end > len(self._tape):
            self._tape = np.pad(self._tape, (0, end - len(self._tape)))
        self._tape[at:end] = sound[late:]


def _opened(side: CardSide, name: str) -> int:
    """A descriptor for reading a file of the card, which may not have written it yet."""
    return os.open(f"{side.folder}/{name}", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)


class Microphone:
    """Puts sound where the microphone will hear it; `late_frames` counts what it had passed by then."""

    def __init__(self, side: CardSide, channel: int | None) -> None:
        self._side = side
        self._dtype = side.dtype
        self._channel = channel
        self._file = (Path(side.folder) / "mic.raw").open("r+b", buffering=0)
        self.late_frames = 0

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def put(self, start: int, sound: Signal) -> None:
        """Mix sound in from frame `start` on."""
        mix_into(self._file, self._dtype, self._side.channels, start, sound, self._channel)

    def count_late(self, start: int, frames: int, now: float) -> None:
        """Count which of the frames that were just put came too late."""
        self.late_frames += min(frames, max(0, int(self._side.frames(now)) - start))
