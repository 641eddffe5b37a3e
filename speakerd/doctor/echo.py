"""`speakerd doctor echo`: whether the speaker hears through its own voice; only a passed test unlocks full duplex.

It plays speech of its own through the real audio plane, with the wake word in it, and keeps a verdict of what it found.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TextIO

from speakerd.assembly import sound_path
from speakerd.audio import echo_verdict
from speakerd.audio.echo import linear_canceller
from speakerd.audio.echo_levels import EchoLevels
from speakerd.audio.echo_path import Heard
from speakerd.audio.echo_verdict import EchoVerdict
from speakerd.audio.own_card import News, OwnCard, own_card
from speakerd.audio.pcm import SESSION_RATE_HZ
from speakerd.audio.plane import AudioHealth
from speakerd.core.events import CardFound, Event, PlayoutEnded, VoiceHeard, VoiceHinted, WakeWordHeard
from speakerd.doctor.echo_findings import EchoTrial, findings, outcome
from speakerd.doctor.finding import Finding, line
from speakerd.errors import ConfigurationError, ControlError
from speakerd.folders import speakers_folder
from speakerd.gpio.boards import Board, load_board
from speakerd.offline.brain import Voice
from speakerd.offline.speaking import voice
from speakerd.service.client import is_served
from speakerd.settings import AudioSettings, Settings
from speakerd.tools.kept_volume import KeptVolume
from speakerd.wakeword import ears as wakeword
from speakerd.wakeword.models import word_name

_SILENT_FRAMES = 20
"""1.6 s of the room alone, before and after."""
_PAUSE_SECONDS = 1.5
_PAUSE_AFTER = 3
"""Sentences between pauses, in which the room is heard again."""
_SENTENCES = (
    "Hello. I am testing how well I can hear you while I speak.",
    "{word}, what is the weather like today?",
    "The forecast is mild, with a little rain in the morning and some sun in the late afternoon.",
    "To make the dough, mix four cups of flour with a spoon of salt, and add the water slowly.",
    "{word}, set a timer for twenty minutes.",
    "There are seven trains before noon, and the fastest of them takes two hours and forty minutes.",
    "The river rises in the hills to the north, passes three lakes, and reaches the sea near the lighthouse.",
)


@dataclass(frozen=True, slots=True)
class EchoTestOptions:
    """What the command line says."""

    seconds: float = 25.0
    """How long to speak; the canceller learns for 5 of them, and the delay takes as long to be found."""
    as_json: bool = False
    """Print one object of JSON, and nothing else."""


def run_echo(
    settings: Settings,
    chosen: EchoTestOptions,
    *,
    environment: Mapping[str, str] | None = None,
    out: TextIO | None = None,
) -> int:
    """Test, keep the verdict, print, and give the exit code; `environment` adds to that of the card's process."""
    return asyncio.run(_run(settings, chosen, environment or {}, out or sys.stdout))


def own_speech(speaks: Voice, word: str, seconds: float) -> bytes:
    """Sentences and pauses of this length, mono 16-bit PCM at 24 kHz; raises SpeechError."""
    pause = bytes(2 * round(_PAUSE_SECONDS * SESSION_RATE_HZ))
    sentences = [b"".join(speaks.speak(sentence.format(word=word))) for sentence in _SENTENCES]
    wanted, spoken, count = 2 * round(seconds * SESSION_RATE_HZ), b"", 0
    while len(spoken) < wanted:
        spoken += sentences[count % len(sentences)]
        count += 1
        spoken += pause if count % _PAUSE_AFTER == 0 else b""
    return spoken[:wanted]


async def _run(settings: Settings, chosen: EchoTestOptions, environment: Mapping[str, str], out: TextIO) -> int:
    if await is_served(Path(settings.control.socket)):
        raise ControlError("The running speaker has the sound card: stop it first (systemctl stop speakerd).")
    board = load_board(settings.board)
    audio = sound_path(settings, board)
    folder = _kept(speakers_folder(settings, os.environ))
    word = word_name(settings.wake_word.word).replace("_", " ")
    speech = await asyncio.to_thread(own_speech, voice(settings.offline), word, chosen.seconds)
    if not chosen.as_json:
        out.write(f"Keep quiet for {chosen.seconds + 5:.0f} seconds: you hear me speak, and I listen to myself.\n")
        out.flush()
    trial = await _trial(settings, audio, board, speech, folder / "volume.json", environment)
    found = findings(trial)
    passed = all(finding.state != "failed" for finding in found)
    echo_verdict.save(folder, _verdict(trial, audio, passed=passed))
    told = outcome(trial, settings.audio.duplex, passed=passed)
    if chosen.as_json:
        out.write(json.dumps(_report(trial, found, told, passed=passed)) + "\n")
    else:
        out.write("".join(f"{line(finding)}\n" for finding in found) + f"\n{told}\n")
    return 0 if passed else 1


async def _trial(
    settings: Settings,
    audio: AudioSettings,
    board: Board,
    speech: bytes,
    volume: Path,
    environment: Mapping[str, str],
) -> EchoTrial:
    """Play, and count what comes back; raises AudioDeviceError, ModelError or ConfigurationError."""
    levels, events = EchoLevels(), list[Event]()
    ears = await asyncio.to_thread(wakeword.ears, replace(settings.wake_word, keep_clips=0), events.append)

    def observe(heard: Heard) -> None:
        levels.take(heard.near, heard.clean, heard.far_wake)

    async with own_card(audio, environment, ears=ears, observe=observe) as card:
        KeptVolume(volume, card.plane.set_volume).restore()
        before = await _played(card, speech, events)
        health = card.plane.health
    return EchoTrial(
        canceller=audio.canceller,
        hardware_aec=board.hardware_aec,
        figures=levels.figures(),
        delay_ms=health.echo_delay_ms,
        capture_ppm=health.capture_ppm,
        playout_ppm=health.playout_ppm,
        barge_ins=sum(isinstance(event, VoiceHeard) for event in events),
        hints=sum(isinstance(event, VoiceHinted) for event in events),
        self_wakes=sum(isinstance(event, WakeWordHeard) for event in events),
        overruns=health.overruns - before.overruns,
        underruns=health.underruns - before.underruns,
        finds_delay=linear_canceller() is not None,
    )


async def _played(card: OwnCard, speech: bytes, events: list[Event]) -> AudioHealth:
    """Silence, speech, silence: keeps what was posted since the speech began, and returns the health before it."""
    news = card.news()
    async for piece in news:
        if isinstance(piece, CardFound):
            break
    await _hear_silence(news, events)
    events.clear()
    before = card.plane.health
    card.plane.player.play("echo test", speech)
    card.plane.player.finish("echo test")
    async for piece in news:
        if isinstance(piece, Event):
            events.append(piece)
        if isinstance(piece, PlayoutEnded):
            break
    await _hear_silence(news, events)
    return before


async def _hear_silence(news: AsyncIterator[News], events: list[Event]) -> None:
    frames = 0
    async for piece in news:
        if isinstance(piece, Event):
            events.append(piece)
        else:
            frames += 1
        if frames >= _SILENT_FRAMES:
            return


def _kept(folder: Path) -> Path:
    """The folder of the verdict, if we may write there: better said before the test than after it."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(f"You may not keep a verdict in {folder}: run sudo speakerd doctor echo.")
    return folder


def _verdict(trial: EchoTrial, audio: AudioSettings, *, passed: bool) -> EchoVerdict:
    return EchoVerdict(
        passed=passed,
        input=audio.input,
        output=audio.output,
        canceller=audio.canceller,
        delay_ms=trial.delay_ms,
        drift_ppm=trial.drift_ppm,
        erle_db=trial.figures.erle_db,
        barge_ins=trial.barge_ins,
        self_wakes=trial.self_wakes,
    )


def _report(trial: EchoTrial, found: Sequence[Finding], told: str, *, passed: bool) -> dict[str, object]:
    facts = asdict(trial)
    figures = {**facts.pop("figures"), **facts, "drift_ppm": trial.drift_ppm}
    rounded = {key: round(value, 1) if isinstance(value, float) else value for key, value in figures.items()}
    return {"passed": passed, **rounded, "findings": [asdict(finding) for finding in found], "outcome": told}
