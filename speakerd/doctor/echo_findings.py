"""What an echo test has shown, in words, pure: whether the speaker hears through its own voice, or what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from speakerd.audio.echo_levels import EchoFigures
from speakerd.doctor.finding import Finding

_HEARD_DB = 3.0
_LOUD_ENOUGH_DB = 12.0
"""An echo that is less above the room can show nothing of a canceller."""
_CANCELLED_DB = 10.0
"""What a card that cancels its own echo may leave above the room."""
_DISTURBED_DB, _DISTURBED_DBFS = 15.0, -55.0
_LEAST_ERLE_DB = 20.0
_DRIFT_PPM, _LONG_DELAY_MS = 150.0, 400.0
"""More, and that is the likely reason for an echo that is not cancelled."""
_CLIPPED_A_SECOND = 2.0


@dataclass(frozen=True, slots=True)
class EchoTrial:
    """One test of one pair of devices."""

    canceller: str
    """"software" or "none"."""
    hardware_aec: bool
    """Whether the board says that its card cancels its own echo."""
    figures: EchoFigures
    delay_ms: float | None
    capture_ppm: float | None
    playout_ppm: float | None
    barge_ins: int
    """How often our own sound was taken for a talker."""
    hints: int
    """How often it was ducked for what may have been one."""
    self_wakes: int
    """How often it was taken for the wake word."""
    overruns: int
    underruns: int
    finds_delay: bool = True
    """Whether the library is there that finds the delay."""

    @property
    def drift_ppm(self) -> float | None:
        """How much faster the card captures than it plays."""
        if self.capture_ppm is None or self.playout_ppm is None:
            return None
        return self.capture_ppm - self.playout_ppm

    @property
    def is_left_to_card(self) -> bool:
        """Whether the card cancels the echo, and nobody else."""
        return self.hardware_aec and self.canceller == "none"


def findings(trial: EchoTrial) -> list[Finding]:
    """A finding for each part; the test is passed if none has failed."""
    heard = trial.figures.above_room_db >= _LOUD_ENOUGH_DB
    return [
        _room(trial.figures),
        _card_echo(trial) if trial.is_left_to_card else _echo(trial.figures),
        *([] if trial.is_left_to_card else _cancelling(trial, heard)),
        _clocks(trial),
        _self_wakes(trial),
        _xruns(trial),
    ]


def outcome(trial: EchoTrial, duplex: str, *, passed: bool) -> str:
    """What follows from it with this setting of audio.duplex, in one sentence."""
    if duplex == "half":
        told = "passed" if passed else "not passed"
        return f'The test was {told}, and half duplex stays, because "audio.duplex" is "half".'
    if passed:
        return "Full duplex is unlocked: restart the service (systemctl restart speakerd)."
    if trial.is_left_to_card:
        return (
            "The board says that the card cancels its own echo, so full duplex stays: "
            'set "audio.duplex" to "half" until the test passes.'
        )
    if duplex == "full":
        return 'Half duplex stays: the service starts only with "audio.duplex" on "half" or "auto".'
    return "Half duplex stays: interrupt answers by button or wake word."


def _room(figures: EchoFigures) -> Finding:
    limit = max(figures.room_dbfs + _DISTURBED_DB, _DISTURBED_DBFS)
    if figures.loudest_dbfs > limit:
        text = (
            f"Somebody spoke, or something made a noise ({figures.loudest_dbfs:.0f} dBFS while nothing was played): "
            "run it again in quiet."
        )
        return Finding("room", "failed", text)
    return Finding("room", "ok", f"{figures.room_dbfs:.0f} dBFS, and it stayed quiet")


def _echo(figures: EchoFigures) -> Finding:
    above_db = figures.above_room_db
    if above_db < _HEARD_DB:
        text = (
            "No echo was heard: raise the volume, and check that the loudspeaker is on and that audio.output names it; "
            "headphones make none."
        )
    elif above_db < _LOUD_ENOUGH_DB:
        text = f"The echo is only {above_db:.0f} dB above the room: raise the volume, or test when it is quieter."
    elif figures.clipped_samples > _CLIPPED_A_SECOND * max(1.0, figures.echo_seconds):
        text = (
            f"The echo clips at the microphone ({figures.clipped_samples} samples): turn the volume down, lower the "
            "capture level, or move the microphone away from the loudspeaker."
        )
    else:
        return Finding("echo", "ok", f"{figures.echo_dbfs:.0f} dBFS, {above_db:.0f} dB above the room")
    return Finding("echo", "failed", text)


def _card_echo(trial: EchoTrial) -> Finding:
    above_db = trial.figures.above_room_db
    if above_db <= _CANCELLED_DB:
        return Finding("echo", "ok", f"the card cancels it: what is left is {above_db:.0f} dB above the room")
    text = (
        f"The card does not cancel its own echo, which is {above_db:.0f} dB above the room: play and capture with this "
        'card and no other, or set "audio.canceller" to "software".'
    )
    return Finding("echo", "failed", text)


def _cancelling(trial: EchoTrial, heard: bool) -> Iterator[Finding]:
    if not heard:
        yield Finding("canceller", "skipped", "it had too little to cancel")
    elif trial.canceller == "none":
        yield Finding("canceller", "failed", 'Nothing takes the echo out: set "audio.canceller" to "auto".')
    else:
        yield _erle(trial)
        yield _delay(trial)
        yield _barge_ins(trial)


def _erle(trial: EchoTrial) -> Finding:
    erle_db, left_dbfs = trial.figures.erle_db, trial.figures.left_dbfs
    if erle_db >= _LEAST_ERLE_DB:
        return Finding("canceller", "ok", f"ERLE {erle_db:.0f} dB: {left_dbfs:.0f} dBFS are left")
    drift_ppm = trial.drift_ppm
    if drift_ppm is not None and abs(drift_ppm) > _DRIFT_PPM:
        reason = f"the clocks drift apart by {drift_ppm:+.0f} ppm: capture and play with one card"
    elif trial.delay_ms is None:
        reason = "what was heard does not follow what was played: run it again in quiet"
    elif trial.delay_ms > _LONG_DELAY_MS:
        reason = f"it comes only after {trial.delay_ms:.0f} ms: use an output with less delay, no Bluetooth and no HDMI"
    else:
        reason = (
            "the loudspeaker distorts, or somebody spoke: turn the volume down, "
            "move the microphone away from it, and run it again in quiet"
        )
    return Finding("canceller", "failed", f"ERLE is {erle_db:.0f} dB, {_LEAST_ERLE_DB:.0f} are needed: {reason}.")


def _delay(trial: EchoTrial) -> Finding:
    if trial.delay_ms is not None:
        return Finding("delay", "ok", f"{trial.delay_ms:.0f} ms")
    if trial.finds_delay:
        text = "The echo's delay was not found: run it again, for longer (--seconds 40) and louder."
    else:
        text = "The echo's delay cannot be found without Speex's library: run apt install libspeexdsp1."
    return Finding("delay", "failed", text)


def _clocks(trial: EchoTrial) -> Finding:
    if trial.drift_ppm is None:
        return Finding("drift", "skipped", "it was not measured")
    return Finding("drift", "ok", f"{round(trial.drift_ppm):+d} ppm between capture and playout")


def _barge_ins(trial: EchoTrial) -> Finding:
    if trial.barge_ins:
        text = (
            f"Our own sound was taken for a talker {_times(trial.barge_ins)}: if nobody spoke, turn the volume down or "
            "move the microphone away from the loudspeaker, and run it again."
        )
        return Finding("barge-in", "failed", text)
    ducked = f", but ducked {_times(trial.hints)}" if trial.hints else ""
    return Finding("barge-in", "ok", f"our own sound was never taken for a talker{ducked}")


def _self_wakes(trial: EchoTrial) -> Finding:
    if trial.self_wakes:
        text = (
            f"Our own sound was taken for the wake word {_times(trial.self_wakes)}: turn the volume down, "
            'or raise "wake_word.threshold", and run it again.'
        )
        return Finding("wake word", "failed", text)
    return Finding("wake word", "ok", "our own voice did not wake us")


def _xruns(trial: EchoTrial) -> Finding:
    if trial.overruns or trial.underruns:
        text = (
            f"{trial.overruns} overruns and {trial.underruns} underruns: run it again, "
            "and if they stay, do what `speakerd doctor audio` says."
        )
        return Finding("xruns", "failed", text)
    return Finding("xruns", "ok", "none")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
