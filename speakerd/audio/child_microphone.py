"""What the sound card's process tells of what was captured, beside what is played meanwhile."""

from __future__ import annotations

from speakerd.audio import wire
from speakerd.audio.child_streams import INPUT_LOST, OUTPUT_LOST, Format, Report
from speakerd.audio.pcm import bytes_of, one_channel, samples_in

REPORT_MS, PLAYING_REPORT_MS = 30, 40
"""Each report wakes the daemon up, which costs more than what it does with so much sound; until told otherwise."""
_CLOCKS_MS = 1000


class Microphone:
    """Reports what one capture stream hears, beside what is played meanwhile."""

    def __init__(self, epoch: int, format_: Format, channel: int, gain: float, report: Report) -> None:
        self._epoch = epoch
        self._format = format_
        self._channel, self._gain = channel, gain
        self._is_sent_whole = format_.channels == 2 and not (channel or format_.is_32_bit) and gain == 1.0
        """Both channels are sent: the daemon's filters take their mean for less than it costs here."""
        self._report = report
        self._captured = 0
        self._lost = self._unpaired = False
        self._near: list[bytes] = []
        self._far: list[bytes | None] = []
        self._waiting = 0
        """Bytes."""
        self._bytes_per_ms = format_.rate_hz * format_.frame_bytes / 1000
        self.report_ms = REPORT_MS
        """How much sound is reported at a time while nothing plays."""
        self.playing_report_ms = PLAYING_REPORT_MS
        """And while something does."""
        self._until_clocks = samples_in(_CLOCKS_MS, format_.rate_hz)

    def hear(self, data: bytes, far: bytes | None, flags: int, *, is_unpaired: bool = False) -> None:
        """Take a captured block of the card, and the mono PCM that is played beside it; None is silence."""
        if self._captured == 0 and not self._near:
            format_ = self._format
            self._report(
                wire.CaptureOpened(
                    self._epoch, format_.rate_hz, format_.block_ms, format_.is_duplex, 2 if self._is_sent_whole else 1
                )
            )
        if flags or is_unpaired:
            self._lost = self._lost or bool(flags & INPUT_LOST)
            self._unpaired = self._unpaired or is_unpaired or bool(flags & (INPUT_LOST | OUTPUT_LOST))
        self._near.append(data)
        self._far.append(far)
        self._waiting += len(data)
        wanted_ms = self.report_ms if far is None else self.playing_report_ms
        if self._waiting >= wanted_ms * self._bytes_per_ms:
            self._send()

    def tell_clocks(self, frames: int, capture_ppm: float, playout_ppm: float, reference_seconds: float) -> None:
        """Report how time passes, now and then; called with each block."""
        self._until_clocks -= frames
        if self._until_clocks <= 0:
            self._until_clocks = samples_in(_CLOCKS_MS, self._format.rate_hz)
            self._report(wire.Clocks(capture_ppm, playout_ppm, reference_seconds * 1000))

    def _send(self) -> None:
        format_ = self._format
        near = b"".join(self._near)
        self._captured += len(near) // format_.frame_bytes
        if not self._is_sent_whole:
            mono = one_channel(near, format_.channels, self._channel, self._gain, is_32_bit=format_.is_32_bit)
            near = bytes_of(mono)
        is_unpaired = self._lost or self._unpaired
        frame = wire.MicFrame(self._epoch, self._captured, self._lost, is_unpaired, len(near), near + self._far_bytes())
        self._lost = not self._report(frame)
        self._near, self._far, self._waiting, self._unpaired = [], [], 0, False

    def _far_bytes(self) -> bytes:
        """What is played beside the near end; none where that cannot be heard."""
        if not any(self._far):
            return b""
        ratio = 2 / self._format.frame_bytes
        return b"".join(
            bytes(int(len(data) * ratio)) if far is None else far
            for data, far in zip(self._near, self._far, strict=True)
        )
