"""`speakerd wake-test`: how well the wake word is heard here, live or in files, and which threshold suits.

Scores come from the running speaker where there is one, since it has the microphone; else from ears of our own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from speakerd.audio.plane import AudioPlane
from speakerd.core.events import CardFound, CardLost, Event
from speakerd.errors import AudioDeviceError, ControlError, RecordingError
from speakerd.ports import Ears, Post
from speakerd.service.client import is_served, request
from speakerd.settings import Settings, WakeWordSettings
from speakerd.wakeword import ears as wakeword
from speakerd.wakeword.advice import Trial, advice
from speakerd.wakeword.engine import FRAME_RATE_HZ, FRAME_SAMPLES, SAMPLE_RATE_HZ
from speakerd.wakeword.meter import Meter
from speakerd.wakeword.observation import Observation, Observe, observation_of
from speakerd.wakeword.recordings import SILENCE_AFTER_SECONDS, wav_files, wav_frames

MakeEars = Callable[[WakeWordSettings, Post, Observe], Ears]
"""Makes ears that tell each frame's observation; raises ModelError."""


@dataclass(frozen=True, slots=True)
class WakeTestOptions:
    """What the command line says."""

    files: tuple[Path, ...] = ()
    """Sound files or folders of them, instead of the microphone."""
    count: int = 10
    """How often the wake word is to be said."""
    seconds: float = 120.0
    """The longest that the microphone is listened to; 0 means until it was said often enough."""
    as_json: bool = False
    """Print one object of JSON, and nothing else."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """What the ears heard in a file."""

    path: Path
    seconds: float
    best: Mapping[str, float]
    """Highest score of each word."""
    detections: tuple[tuple[float, str, float], ...]
    """Second of the file, word, and the score of the frame that completed it."""


def run(
    settings: Settings,
    chosen: WakeTestOptions,
    *,
    make_ears: MakeEars = wakeword.ears,
    environment: Mapping[str, str] | None = None,
    out: TextIO | None = None,
) -> int:
    """Test, print, and give the exit code; `environment` adds to that of the sound card's process."""
    out = out or sys.stdout
    if chosen.files:
        return _run_files(settings, chosen, make_ears, out)
    meter = Meter(chosen.count, settings.wake_word.threshold)
    show = Show(meter, out, is_quiet=chosen.as_json)
    asyncio.run(_listen(settings, chosen, make_ears, environment or {}, show))
    _tell_trial(meter, chosen, out)
    return 0


class Show:
    """Prints the meter: one line that is redrawn on a terminal, else a line for each second and each detection."""

    def __init__(self, meter: Meter, out: TextIO, *, is_quiet: bool) -> None:
        self.meter = meter
        self._out = out
        self._is_quiet = is_quiet
        self._is_redrawn = out.isatty()
        self._printed_at_frame = -FRAME_RATE_HZ

    def take(self, observation: Observation) -> None:
        """Count and show the next frame."""
        self.meter.take(observation)
        if self._is_quiet:
            return
        if self._is_redrawn:
            columns = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r{self.meter.line()[:columns]}\x1b[K")
            self._out.flush()
        elif observation.detected or self.meter.frames - self._printed_at_frame >= FRAME_RATE_HZ:
            self._printed_at_frame = self.meter.frames
            self.say(self.meter.line())

    def say(self, sentence: str) -> None:
        """Print a line of its own."""
        if not self._is_quiet:
            start = "\r\x1b[K" if self._is_redrawn else ""
            self._out.write(f"{start}{sentence}\n")
            self._out.flush()


async def _listen(
    settings: Settings, chosen: WakeTestOptions, make_ears: MakeEars, environment: Mapping[str, str], show: Show
) -> None:
    """Show what is heard until it was said often enough, the time is over, or Ctrl-C."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, ended.set)
    if chosen.seconds:
        loop.call_later(chosen.seconds, ended.set)

    def take(observation: Observation) -> None:
        if not ended.is_set():
            show.take(observation)
        if show.meter.is_complete:
            ended.set()

    try:
        socket = Path(settings.control.socket)
        if await is_served(socket):
            await _until(ended, _from_speaker(socket, show, take))
        else:
            await _until(ended, _from_microphone(settings, make_ears, environment, show, take))
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _until(ended: asyncio.Event, source: Coroutine[Any, Any, None]) -> None:
    """Run a source until the end; raises what it raises."""
    running, waiting = asyncio.create_task(source), asyncio.create_task(ended.wait())
    try:
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        running.cancel()
        waiting.cancel()
        await asyncio.wait((running, waiting))
    if not running.cancelled():
        running.result()


async def _from_speaker(socket: Path, show: Show, take: Observe) -> None:
    async with aclosing(request(socket, {"do": "scores"})) as messages:
        async for message in messages:
            match message:
                case {"event": "snapshot", "muted": True}:
                    raise ControlError("The speaker is muted: run `speakerd unmute` first.")
                case {"event": "snapshot"}:
                    show.say("The running speaker tells its scores: say the wake word, with pauses.")
                case {"event": "score"}:
                    take(_observation(socket, message))


def _observation(socket: Path, message: Mapping[str, object]) -> Observation:
    try:
        return observation_of(message)
    except ValueError as error:
        raise ControlError(f"What answers at {socket} is another version of speakerd: restart the service.") from error


async def _from_microphone(
    settings: Settings, make_ears: MakeEars, environment: Mapping[str, str], show: Show, take: Observe
) -> None:
    loop = asyncio.get_running_loop()
    lost: asyncio.Queue[str] = asyncio.Queue()
    has_card = False

    def post(event: Event) -> None:
        nonlocal has_card
        match event:
            case CardFound():
                has_card = True
                loop.call_soon_threadsafe(show.say, "Say the wake word, with pauses.")
            case CardLost(reason=reason):
                loop.call_soon_threadsafe(lost.put_nowait, reason)

    def observe(observation: Observation) -> None:
        if has_card:  # sound may come a moment before the card counts as found
            loop.call_soon_threadsafe(take, observation)

    ears = await asyncio.to_thread(make_ears, _without_clips(settings.wake_word), post, observe)
    plane = AudioPlane(settings.audio, ears, lambda session, pcm: None, post, environment=environment)
    running = asyncio.create_task(plane.run())
    running.add_done_callback(lambda _: lost.put_nowait(""))
    try:
        while reason := await lost.get():
            if not has_card:
                raise AudioDeviceError(reason)
            show.say(reason)
    finally:
        await plane.close()
        await running


def _tell_trial(meter: Meter, chosen: WakeTestOptions, out: TextIO) -> None:
    trial = meter.end()
    advised = advice(trial)
    if chosen.as_json:
        advised_report = {"advised_threshold": advised.threshold, "advice": advised.sentences}
        _print_json(out, _trial_report(trial, meter) | advised_report)
        return
    out.write("\n" + "\n".join(advised.sentences) + "\n")


def _trial_report(trial: Trial, meter: Meter) -> dict[str, object]:
    return {
        "threshold": trial.threshold,
        "seconds": round(meter.frames / FRAME_RATE_HZ, 2),
        "sample_scores": [round(score, 4) for score in trial.sample_scores],
        "pause_score": round(trial.pause_score, 4),
        "peak_dbfs": round(trial.peak_dbfs, 1),
        "detections": meter.detections,
    }


def _run_files(settings: Settings, chosen: WakeTestOptions, make_ears: MakeEars, out: TextIO) -> int:
    seen: list[Observation] = []
    ears = make_ears(_without_clips(settings.wake_word), lambda event: None, seen.append)
    if isinstance(ears, wakeword.WakeWordEars):
        ears.tell_time_by_samples()
    results: list[FileResult | str] = []
    for path in wav_files(chosen.files):
        try:
            results.append(_file_result(path, ears, seen))
        except RecordingError as error:
            results.append(str(error))
        if not chosen.as_json:
            out.write("\n".join(_told_result(results[-1])) + "\n")
    read = [result for result in results if isinstance(result, FileResult)]
    if chosen.as_json:
        failures = [result for result in results if isinstance(result, str)]
        _print_json(out, {"files": [_file_report(result) for result in read], "failures": failures})
    else:
        out.write("\n".join(("", *_summary(read))) + "\n")
    return 0 if len(read) == len(results) else 1


def _file_result(path: Path, ears: Ears, seen: list[Observation]) -> FileResult:
    """What freshly armed ears hear; `seen` is where they leave their observations, and is empty afterwards."""
    ears.rearm()
    best: dict[str, float] = {}
    detections: list[tuple[float, str, float]] = []
    frames = 0
    for frames, frame in enumerate(wav_frames(path), 1):
        ears.hear(frame, frames * FRAME_SAMPLES)
        for observation in seen:
            best = {word: max(score, best.get(word, 0.0)) for word, score in observation.scores.items()}
            if (word := observation.detected) is not None:
                detections.append((observation.end_sample / SAMPLE_RATE_HZ, word, observation.scores[word]))
        seen.clear()
    return FileResult(path, frames * FRAME_SAMPLES / SAMPLE_RATE_HZ - SILENCE_AFTER_SECONDS, best, tuple(detections))


def _told_result(result: FileResult | str) -> tuple[str, ...]:
    if isinstance(result, str):
        return (result,)
    best = ", ".join(f"{word} {score:.3f}" for word, score in result.best.items())
    heard = (f"  {at:8.2f} s  {word} {score:.3f}" for at, word, score in result.detections)
    return (f"{result.path}: best {best}", *heard)


def _summary(results: list[FileResult]) -> tuple[str, ...]:
    """A table with a line for each word."""
    words = list(dict.fromkeys(word for result in results for word in result.best))
    width = max(len("word"), *map(len, words), 0)
    lines = [f"{'word':<{width}}  files  with it  detections  best lowest  best highest"]
    for word in words:
        best = [result.best[word] for result in results if word in result.best]
        counts = [sum(found == word for _, found, _ in result.detections) for result in results]
        lines.append(
            f"{word:<{width}}  {len(best):5}  {sum(map(bool, counts)):7}  {sum(counts):10}"
            f"  {min(best):11.3f}  {max(best):12.3f}"
        )
    return tuple(lines)


def _file_report(result: FileResult) -> dict[str, object]:
    return {
        "file": str(result.path),
        "seconds": round(result.seconds, 2),
        "best": {word: round(score, 4) for word, score in result.best.items()},
        "detections": [
            {"at_seconds": round(at, 2), "word": word, "score": round(score, 4)}
            for at, word, score in result.detections
        ],
    }


def _without_clips(settings: WakeWordSettings) -> WakeWordSettings:
    """A test leaves no recordings."""
    return replace(settings, keep_clips=0)


def _print_json(out: TextIO, report: Mapping[str, object]) -> None:
    out.write(json.dumps(report) + "\n")
