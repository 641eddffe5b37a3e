"""`scripts/soak audio`: streams for hours in real time on the fake card, and looks whether anything grows or drifts.

The card is a usual one (48 kHz, stereo) whose clock is 30 ppm off, in a room with an echo. What its files hold of the
past is cut out of them every minute, so that the disk does not fill up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from random import Random

from bench.audio_stage import Stage, stage
from bench.audio_voices import own_speech
from soak.audio_verdict import WARM_UP_SECONDS, Sample, growth, slopes
from soak.card_past import forget_past
from soak.processes import open_files, rss_mib, threads
from speakerd.audio.pcm import SESSION_RATE_HZ, bytes_of
from speakerd.core.events import PlayoutEnded
from speakerd.demo.acoustics import RoomSettings
from speakerd.demo.acoustics_room import EchoRoom
from speakerd.demo.card import FakeCard

_MINUTE = 60.0
_ANSWER_SECONDS = 25.0
_PIECE_SECONDS = 0.1
_NO_FIGURES = {"frames", "last_mic_frame_at", "last_pulse_at", "capture_rate_hz", "block_ms"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Stream, print a line each minute and a verdict; 1 if anything grew."""
    parser = argparse.ArgumentParser(prog="scripts/soak audio", description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0, help="how long (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object in the end instead of lines")
    chosen = parser.parse_args(arguments)

    def tell(line: str) -> None:
        if not chosen.json:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="speakerd-soak-") as folder:
        samples = asyncio.run(_stream(FakeCard(Path(folder) / "card", ppm=30), 3600 * chosen.hours, tell))
    # A short run, to try it, is judged from its first third on.
    warm_up_seconds = min(WARM_UP_SECONDS, 1200 * chosen.hours)
    per_hour, found = slopes(samples, warm_up_seconds), growth(samples, warm_up_seconds)
    tell("per hour: " + "  ".join(f"{name} {slope:+.3f}" for name, slope in per_hour.items()))
    tell("\n".join(found) if found else "Nothing grew.")
    if chosen.json:
        seen = [{"seconds": sample.seconds, **sample.figures} for sample in samples]
        sys.stdout.write(json.dumps({"per_hour": per_hour, "grown": found, "samples": seen}, indent=1) + "\n")
    return int(bool(found))


async def _stream(card: FakeCard, seconds: float, tell: Callable[[str], None]) -> list[Sample]:
    samples: list[Sample] = []
    with EchoRoom(card, settings=RoomSettings(echo_gain_db=-6.0)) as room:
        async with stage(card) as on, asyncio.TaskGroup() as group:
            talking = group.create_task(_converse(on))
            began_at = time.monotonic()
            while (passed := time.monotonic() - began_at) < seconds:
                await asyncio.sleep(min(_MINUTE, seconds / 6, seconds - passed))
                samples.append(Sample(time.monotonic() - began_at, _figures(on, card)))
                forget_past(card)
                tell(_line(samples[-1]))
            talking.cancel()
        tell(f"The room was late for {room.report().late_frames} frames.")
    return samples


async def _converse(on: Stage) -> None:
    """An answer every minute, every third interrupted, with the uplink open for the first half of the minute."""
    speech = own_speech(_ANSWER_SECONDS)
    chance = Random(6)  # noqa: S311 - moments, no secrets
    for number in range(1_000_000):
        minute_ends_at = time.monotonic() + _MINUTE
        on.plane.capture.open_uplink(number, None)
        item, ended = f"answer {number}", on.count(PlayoutEnded)
        piece = round(_PIECE_SECONDS * SESSION_RATE_HZ)
        for start in range(0, len(speech), piece):
            on.plane.player.play(item, bytes_of(speech[start : start + piece]))
            await asyncio.sleep(_PIECE_SECONDS / 2)
        on.plane.player.finish(item)
        if number % 3 == 2:
            await asyncio.sleep(chance.uniform(1.0, 5.0))
            on.plane.player.stop()
        await on.until(lambda ended=ended: on.count(PlayoutEnded) > ended, 2 * _ANSWER_SECONDS)  # type: ignore[misc]
        on.events.clear()
        on.plane.capture.close_uplink()
        await asyncio.sleep(max(0.0, minute_ends_at - time.monotonic()))


def _figures(on: Stage, card: FakeCard) -> dict[str, float]:
    pids = {"daemon": os.getpid(), "child": on.plane.child_pid or os.getpid()}
    figures: dict[str, float] = {f"{name}_rss_mib": rss_mib(pid) for name, pid in pids.items()}
    figures |= {f"{name}_files": open_files(pid) for name, pid in pids.items()}
    figures |= {f"{name}_threads": threads(pid) for name, pid in pids.items()}
    figures["xruns"] = len(card.faults())
    health = on.plane.health
    for each in fields(health):
        value = getattr(health, each.name)
        if isinstance(value, int | float) and not isinstance(value, bool) and each.name not in _NO_FIGURES:
            figures[each.name] = value
    return figures


def _line(sample: Sample) -> str:
    shown = (f"{name} {value:.2f}".removesuffix(".00") for name, value in sample.figures.items())
    return f"{sample.seconds / 60:6.1f} min  " + "  ".join(shown)


if __name__ == "__main__":
    sys.exit(main())
