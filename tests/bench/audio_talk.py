"""People talk over the speaker in echo rooms, in real time: `python -m bench.audio_talk ROOM` is one of them."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.audio_rooms import ECHO_DBFS, ROOMS, Heard, Room, figures
from bench.audio_stage import Stage, stage
from bench.audio_statistics import Talk
from bench.audio_voices import VOICE_RATE_HZ, over_speech, own_speech, wake_words
from soak.processes import children
from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of
from speakerd.audio.resample import resampled
from speakerd.core.events import VoiceHeard, WakeWordHeard
from speakerd.demo.acoustics import calibrated
from speakerd.demo.acoustics_room import EchoRoom
from speakerd.demo.card import FakeCard, sound_environment
from speakerd.ports import Ears, Post
from speakerd.settings import WakeWordSettings
from speakerd.wakeword import ears

_AT_ONCE = 4
_FIRST_SECONDS = 3.0
"""The speaker talks alone before the first talker, so that the canceller knows the room."""
_SHORT_RUN_SECONDS = 60.0
_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.6, 4.0
_AHEAD_SECONDS = 2.0
_PIECE_SECONDS = 0.2
_CALIBRATION_SECONDS = 6
_START_SECONDS = 90.0
_AIR_PRIORITY = 1
"""Below the sound card's process."""


async def talk(names: Sequence[str], seconds: float, deadline: float) -> dict[str, Any]:
    """All rooms, some of them at the same time, each for so many seconds and not beyond the deadline."""
    crew = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> Heard:
        async with crew:
            return await _heard(name, seconds, deadline)

    heard = await asyncio.gather(*map(one, names))
    return figures(dict(zip(names, heard, strict=True)))


async def _heard(name: str, seconds: float, deadline: float) -> Heard:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.audio_talk", name, "--seconds", str(seconds), "--until", str(deadline)),
        stdout=asyncio.subprocess.PIPE,
        env=dict(os.environ) | {"OPENBLAS_NUM_THREADS": "1"},
    )
    try:
        async with asyncio.timeout(seconds + _START_SECONDS):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise ChildProcessError(f'the room "{name}" ended with {process.returncode}')
    noted = json.loads(printed)
    return Heard(**noted | {"talks": [Talk(**one) for one in noted["talks"]]})


async def in_room(room: Room, folder: Path, seconds: float, deadline: float, seed: int) -> Heard:
    """Let people talk, or nobody, over the speaker in one room."""
    mic = FakeCard(folder / "mic", name="microphone" if room.mic_ppm else "fakecard", ppm=room.mic_ppm)
    speaker = FakeCard(folder / "speaker", name="loudspeaker") if room.mic_ppm else mic
    environment = sound_environment([mic, speaker]) if room.mic_ppm else mic.environment
    own = own_speech(min(60.0, seconds), seed)
    known = resampled(own[: _CALIBRATION_SECONDS * SESSION_RATE_HZ], SESSION_RATE_HZ, 16_000)
    settings = calibrated(room.acoustics, known, ECHO_DBFS)
    with ExitStack() as opened:
        before = children()
        air = opened.enter_context(EchoRoom(mic, speaker, settings))
        _hurry([child.pid for child in children() if child not in before])

        def make_ears(post: Post) -> Ears:
            listening = ears.ears(WakeWordSettings(), post)
            opened.callback(listening.close)
            return listening

        async with stage(mic, speaker=speaker, environment=environment, make_ears=make_ears) as on:
            began_at = time.monotonic()
            talks = await _talks(on, air, room, own, min(began_at + seconds, deadline))
            report = air.report()
            return Heard(
                began_at=began_at,
                seconds=time.monotonic() - began_at,
                talks=talks,
                barge_ins=[at for at, event in on.events if isinstance(event, VoiceHeard)],
                wakes=[at for at, event in on.events if isinstance(event, WakeWordHeard)],
                late_frames=report.late_frames,
                xruns=len(mic.faults()) + (len(speaker.faults()) if speaker is not mic else 0),
            )


def _hurry(pids: Sequence[int]) -> None:
    """The air waits for nobody, however busy this machine is with several rooms."""
    for pid in pids:
        with suppress(OSError):  # allowed, or not
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(_AIR_PRIORITY))


async def _talks(on: Stage, air: EchoRoom, room: Room, own: NDArray[np.int16], ends_at: float) -> list[Talk]:
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(_answer(on, own)) if room.is_own_heard else None
        talks = await _people(air, room, ends_at)
        await asyncio.sleep(max(0.0, ends_at - time.monotonic()))
        if answering:
            answering.cancel()
    return talks


async def _people(air: EchoRoom, room: Room, ends_at: float) -> list[Talk]:
    talks: list[Talk] = []
    chance = Random(8)  # noqa: S311 - pauses, no secrets
    # In a short run more people speak; a wake word needs the pause.
    hurry = 0.5 if room.over == "voices" and ends_at - time.monotonic() < _SHORT_RUN_SECONDS else 1.0
    await asyncio.sleep(_FIRST_SECONDS)
    for pcm, ratio_db in zip(_sayings(room), cycle(room.ratios_db), strict=False):
        length_seconds = len(pcm) / VOICE_RATE_HZ
        pause_seconds = hurry * chance.uniform(_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        if time.monotonic() + length_seconds + hurry * _SHORTEST_PAUSE_SECONDS > ends_at:
            break
        at = await asyncio.to_thread(air.say, pcm, VOICE_RATE_HZ, ECHO_DBFS + ratio_db)
        talks.append(Talk(at, at + length_seconds, ratio_db))
        await asyncio.sleep(length_seconds + pause_seconds)
    return talks


def _sayings(room: Room) -> Iterator[NDArray[np.int16]]:
    match room.over:
        case "nobody":
            return iter(())
        case "voices":
            return over_speech()
        case "words":
            return wake_words()


async def _answer(on: Stage, own: NDArray[np.int16]) -> None:
    """Talk for ever, a little ahead as a server is."""
    piece = round(_PIECE_SECONDS * SESSION_RATE_HZ)
    sent_until = time.monotonic() - _AHEAD_SECONDS
    for item in range(1_000_000):
        for start in range(0, len(own), piece):
            on.plane.player.play(f"answer {item}", bytes_of(own[start : start + piece]))
            sent_until += _PIECE_SECONDS
            await asyncio.sleep(max(0.0, sent_until - time.monotonic()))
        on.plane.player.finish(f"answer {item}")


def main() -> None:
    """Be one room and print what happened in it."""
    parser = argparse.ArgumentParser(prog="bench.audio_talk")
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--until", type=float, default=float("inf"), help="monotonic second at which it ends")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="speakerd-bench-") as folder:
        seed = list(ROOMS).index(chosen.room) + 1
        heard = asyncio.run(in_room(ROOMS[chosen.room], Path(folder), chosen.seconds, chosen.until, seed))
    sys.stdout.write(json.dumps(asdict(heard)))


if __name__ == "__main__":
    main()
