"""Whether the wake word can be heard: the models are whole, the engine runs, and frames reach it."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from speakerd.doctor.finding import Finding
from speakerd.doctor.patient import Patient
from speakerd.errors import ConfigurationError, ControlError
from speakerd.service.client import request
from speakerd.settings import WakeWordSettings
from speakerd.wakeword import ears as wakeword
from speakerd.wakeword.engine import FRAME_RATE_HZ, FRAME_SAMPLES
from speakerd.wakeword.observation import SILENCE_DBFS
from speakerd.wakeword.self_test import made_sound

LISTENED_FRAMES = 25
"""Two seconds."""
_PATIENCE_SECONDS = 6.0


async def wake_word(patient: Patient) -> Finding:
    """Whether the settings' words can be scored here, without a microphone."""
    try:
        per_frame_ms = await asyncio.to_thread(frame_ms, patient.settings.wake_word)
    except ConfigurationError as error:
        return Finding("wake word", "failed", str(error))
    if per_frame_ms > 1000 / FRAME_RATE_HZ:
        text = f"A frame of 80 ms takes {per_frame_ms:.0f} ms here: end other programs, or choose fewer wake words."
        return Finding("wake word", "failed", text)
    text = f"the models are whole, and a frame of 80 ms takes {per_frame_ms:.1f} ms; `speakerd wake-test` tries it live"
    return Finding("wake word", "ok", text)


def frame_ms(settings: WakeWordSettings) -> float:
    """How long the ears take for a frame; raises ModelError or ConfigurationError."""
    ears = wakeword.ears(replace(settings, keep_clips=0), lambda event: None)
    try:
        sound = made_sound()
        began = time.monotonic()
        for number, frame in enumerate(sound, 1):
            ears.hear(frame, number * FRAME_SAMPLES)
        return 1000 * (time.monotonic() - began) / len(sound)
    finally:
        ears.close()


async def microphone(patient: Patient) -> Finding:
    """What a running speaker hears just now; it has the microphone, so it is asked."""
    if patient.snapshot is not None and patient.snapshot.get("muted"):
        return Finding("microphone", "skipped", "the speaker is muted (speakerd unmute)")
    try:
        levels = await _levels(Path(patient.settings.control.socket))
    except ControlError as error:
        return Finding("microphone", "failed", str(error))
    if len(levels) < LISTENED_FRAMES:
        text = (
            f"Only {len(levels)} frames reached the wake word in {_PATIENCE_SECONDS:.0f} s: see journalctl -u speakerd."
        )
        return Finding("microphone", "failed", text)
    if max(levels) <= SILENCE_DBFS:
        text = "The microphone sends nothing but zeros: check its plug, its mute switch, and audio.input."
        return Finding("microphone", "failed", text)
    text = f"the running speaker scores what it hears; its peaks go from {min(levels):.0f} to {max(levels):.0f} dBFS"
    return Finding("microphone", "ok", text)


async def _levels(socket: Path) -> list[float]:
    """The level of each frame, for two seconds."""
    levels: list[float] = []
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), aclosing(request(socket, {"do": "scores"})) as messages:
            async for message in messages:
                if message.get("event") == "score":
                    levels.append(float(message["level_dbfs"]))
                if len(levels) == LISTENED_FRAMES:
                    break
    except TimeoutError:
        pass  # fewer frames are a finding
    return levels
