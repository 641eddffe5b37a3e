"""`speakerd doctor audio`: each part of the sound's way, tried in its order: ok, or what to do."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from speakerd.assembly import sound_path
from speakerd.audio import echo_verdict
from speakerd.audio.alsa_cards import AlsaCard, alsa_cards, alsa_root, holders
from speakerd.audio.devices import KINDS, Choice, Device, list_devices, with_board_card
from speakerd.audio.echo_verdict import EchoVerdict
from speakerd.audio.mic_levels import MicLevels, advice
from speakerd.audio.own_card import OwnCard, own_card
from speakerd.audio.plane import AudioHealth
from speakerd.core.events import PlayoutEnded
from speakerd.device_table import chosen, told
from speakerd.doctor import tone
from speakerd.doctor.finding import Finding, line
from speakerd.errors import AudioDeviceError
from speakerd.folders import speakers_folder
from speakerd.gpio.boards import Board, load_board
from speakerd.service.client import is_served
from speakerd.settings import AudioSettings, Settings

EX_UNAVAILABLE = 69

_LISTENED_SECONDS = 3.0
_FORMAT = ("capture_rate_hz", "capture_channels", "playout_rate_hz", "playout_channels", "block_ms")
_CLOCKS = ("capture_ppm", "playout_ppm")
"""Fields of AudioHealth that are shown where it has them."""
_MOST_PPM = 500.0


def run_audio(
    settings: Settings, *, as_json: bool, environment: Mapping[str, str] | None = None, out: TextIO | None = None
) -> int:
    """Try, print each finding as it comes, and give the exit code; `environment` adds to ours."""
    return asyncio.run(_run_audio(settings, as_json, environment or {}, out or sys.stdout))


async def _run_audio(settings: Settings, as_json: bool, environment: Mapping[str, str], out: TextIO) -> int:
    findings = []
    async for finding in audio_findings(settings, environment):
        findings.append(finding)
        if not as_json:
            out.write(f"{line(finding)}\n")
            out.flush()
    if as_json:
        out.write(json.dumps({"findings": [asdict(finding) for finding in findings]}) + "\n")
    return EX_UNAVAILABLE if any(finding.state == "failed" for finding in findings) else 0


async def audio_findings(
    settings: Settings, environment: Mapping[str, str], *, plays_tone: bool = False
) -> AsyncIterator[Finding]:
    """The findings, in the order of the sound's way; what cannot be tried says so."""
    board = load_board(settings.board)
    audio = with_board_card(settings.audio, board.card)
    root = alsa_root({**os.environ, **environment})
    cards = alsa_cards(root)
    is_running = await is_served(Path(settings.control.socket))
    try:
        devices = await asyncio.to_thread(list_devices, environment)
    except AudioDeviceError as error:
        yield Finding("devices", "failed", str(error))
        return
    yield _cards(cards, devices)
    yield permissions(root / "dev/snd")
    choices = chosen(devices, audio)
    for direction, choice in choices.items():
        yield Finding(KINDS[direction], "failed" if isinstance(choice, AudioDeviceError) else "ok", told(choice))
    used = [choice.device for choice in choices.values() if isinstance(choice, Choice)]
    yield _others(used, cards, root, is_running)
    if is_running:
        yield Finding(
            "opening", "skipped", "the running speaker has the card (systemctl stop speakerd, then try again)"
        )
    elif len(used) == len(choices):
        async for finding in _tried(audio, board, environment, plays_tone=plays_tone):
            yield finding
    verdict = echo_verdict.load(speakers_folder(settings, os.environ))
    yield echo(board, sound_path(settings, board), verdict)


def permissions(folder: Path) -> Finding:
    """Whether we may open the sound devices in a folder."""
    files = sorted(folder.glob("pcm*"))
    if not files:
        return Finding("permissions", "skipped", f"there is no sound device in {folder}")
    refused = [file for file in files if not os.access(file, os.R_OK | os.W_OK)]
    if refused:
        return Finding(
            "permissions",
            "failed",
            f"You may not open {refused[0]}: join the group audio (sudo usermod -aG audio $USER), and log in again.",
        )
    return Finding("permissions", "ok", f"{folder} may be opened")


def echo(board: Board, audio: AudioSettings, verdict: EchoVerdict | None) -> Finding:
    """What is known of the speaker's own sound at this microphone; `audio` as an echo test would have it."""
    if verdict is not None and verdict.is_of(audio):
        known = f"ERLE {verdict.erle_db:.0f} dB" if audio.canceller == "software" else "the card cancels it"
        if verdict.passed:
            return Finding("echo", "ok", f"the test has passed ({known})")
        return Finding("echo", "failed", "The last test failed: run `speakerd doctor echo`, and do what it says.")
    if board.hardware_aec and audio.canceller == "none":
        return Finding("echo", "ok", f'the board "{board.name}" cancels its own echo; `speakerd doctor echo` tests it')
    return Finding("echo", "skipped", "not tested with these devices: run `speakerd doctor echo`")


def health_findings(health: AudioHealth, seconds: float) -> Iterator[Finding]:
    """What a plane's figures say after so many seconds."""
    facts = asdict(health)
    opened = [f"{key.removesuffix('_hz').replace('_', ' ')} {facts[key]}" for key in _FORMAT if facts.get(key)]
    yield Finding("opening", "ok", ", ".join(opened) or "capture and playout run")
    if health.overruns or health.underruns:
        text = (
            f"{health.overruns} overruns and {health.underruns} underruns in {seconds:.0f} s: end other programs, "
            "and check the power supply (vcgencmd get_throttled)."
        )
        yield Finding("xruns", "failed", text)
    else:
        yield Finding("xruns", "ok", f"none in {seconds:.0f} s")
    clocks = {key: facts[key] for key in _CLOCKS if facts.get(key) is not None}
    drift = ", ".join(f"{key.removesuffix('_ppm')} {ppm:+.0f} ppm" for key, ppm in clocks.items())
    if any(abs(ppm) > _MOST_PPM for ppm in clocks.values()):
        text = f"The card's clock is far off ({drift}): check its cable and hub, or choose another card."
        yield Finding("clock", "failed", text)
    else:
        yield Finding("clock", "ok" if clocks else "skipped", drift or "its drift was not measured")


def _cards(cards: Sequence[AlsaCard], devices: Sequence[Device]) -> Finding:
    if cards:
        return Finding("cards", "ok", ", ".join(f"{card.card_id} ({card.name})" for card in cards))
    if devices:
        return Finding("cards", "skipped", "the kernel shows none, but ALSA has devices without one")
    return Finding(
        "cards", "failed", "The kernel shows no sound card: plug one in, or enable its overlay in config.txt."
    )


def _others(used: Iterable[Device], cards: Iterable[AlsaCard], root: Path, is_running: bool) -> Finding:
    """Whether another program holds a card that we use; a daemon that runs may."""
    ids = {device.card_id for device in used if device.card_id}
    held = [(card, holder) for card in cards if card.card_id in ids for holder in holders(card, root)]
    if held and not is_running:
        card, holder = held[0]
        text = f'{holder.program} (process {holder.pid}) holds the card "{card.card_id}": end it.'
        return Finding("other programs", "failed", text)
    return Finding("other programs", "ok", "the running speaker holds the card" if held else "none holds the card")


async def _tried(
    audio: AudioSettings, board: Board, environment: Mapping[str, str], *, plays_tone: bool
) -> AsyncIterator[Finding]:
    levels, near = MicLevels(), list[NDArray[np.int16]]()
    heard = None
    try:
        async with own_card(audio, environment, observe=lambda piece: near.append(piece.near)) as card:
            async for frame in card.frames():
                levels.take(frame)
                if levels.seconds >= _LISTENED_SECONDS:
                    break
            health = card.plane.health
            if plays_tone:
                heard = await _tone(card, near)
    except AudioDeviceError as error:
        yield Finding("opening", "failed", str(error))
        return
    opened, *rest = health_findings(health, levels.seconds)
    yield opened
    figures = levels.figures()
    wrong = advice(figures, audio.input_gain_db)
    level = f"the room has {figures.noise_floor_dbfs:.0f} dBFS, its peak {figures.peak_dbfs:.0f} dBFS"
    yield Finding("microphone", "failed" if wrong else "ok", " ".join(wrong) or level)
    for finding in rest:
        yield finding
    if plays_tone:
        yield loudspeaker(heard, board)


async def _tone(card: OwnCard, near: list[NDArray[np.int16]]) -> float | None:
    """Play the test tone; by how much it stood out of the room."""
    before = list(near)
    near.clear()
    card.plane.player.play("test tone", tone.tone())
    card.plane.player.finish("test tone")
    async for news in card.news():
        if isinstance(news, PlayoutEnded):
            break
    return tone.rise_db(before, list(near))


def loudspeaker(rise_db: float | None, board: Board) -> Finding:
    """What the test tone shows."""
    if rise_db is not None and tone.is_heard(rise_db):
        return Finding("loudspeaker", "ok", f"the microphone hears the test tone, {rise_db:.0f} dB above the room")
    if board.hardware_aec:
        text = f'a tone was played; the board "{board.name}" takes it out of what the microphone hears: listen for it'
        return Finding("loudspeaker", "skipped", text)
    text = "The microphone did not hear the test tone: check audio.output, the loudspeaker's plug, and the volume."
    return Finding("loudspeaker", "failed", text)
