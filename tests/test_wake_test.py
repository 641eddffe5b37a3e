"""`speakerd wake-test`, as its owner meets it: files, a running speaker, a microphone of its own."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import threading
import wave
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.demo.card import FakeCard
from speakerd.errors import AudioDeviceError, ControlError
from speakerd.ports import Post
from speakerd.service.control import ControlServer
from speakerd.settings import AudioSettings, ControlSettings, Settings, WakeWordSettings
from speakerd.wake_test import MakeEars, WakeTestOptions, run
from speakerd.wakeword.observation import Observation, Observe, frame_level_dbfs

THRESHOLDS = {"hey_jarvis": 0.5}


class LoudEars:
    """Score what they hear by its loudest sample, and detect the first loud frame of each stretch."""

    def __init__(self, settings: WakeWordSettings, observe: Observe) -> None:
        self.settings = settings
        self.observe = observe
        self.rearmed = 0
        self._was_loud = False

    def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
        score = round(float(np.abs(frame.astype(int)).max()) / 32768, 3)
        detected = "hey_jarvis" if score >= 0.5 and not self._was_loud else None
        self._was_loud = score >= 0.5
        self.observe(Observation({"hey_jarvis": score}, THRESHOLDS, end_sample, frame_level_dbfs(frame), detected))

    def hear_playout(self, frame: NDArray[np.int16]) -> None:
        raise AssertionError("nothing is played")

    def hear_talker(self, is_there: bool) -> None:
        pass

    def rearm(self) -> None:
        self.rearmed += 1
        self._was_loud = False


class Maker:
    """Makes ears, and shows them."""

    def __init__(self) -> None:
        self.made: list[LoudEars] = []

    def __call__(self, settings: WakeWordSettings, post: Post, observe: Observe) -> LoudEars:
        self.made.append(LoudEars(settings, observe))
        return self.made[-1]


class NoEars:
    """Nobody needs ears."""

    def __call__(self, settings: WakeWordSettings, post: Post, observe: Observe) -> LoudEars:
        raise AssertionError("ears were made")


class Terminal(io.StringIO):
    """A terminal that keeps what is drawn."""

    def isatty(self) -> bool:
        return True


def settings(tmp_path: Path, **others: object) -> Settings:
    return replace(Settings(control=ControlSettings(socket=str(tmp_path / "control.sock"))), **others)  # type: ignore[arg-type]


def write(path: Path, loud_at_frames: Mapping[int, float], frames: int = 50) -> Path:
    """A recording that is loud in some frames of 80 ms."""
    sound = np.zeros((frames, 1280), np.int16)
    for number, score in loud_at_frames.items():
        sound[number] = round(score * 32768)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(sound.tobytes())
    return path


def outcome(
    settings: Settings,
    chosen: WakeTestOptions,
    make_ears: MakeEars,
    environment: Mapping[str, str] | None = None,
    out: io.StringIO | None = None,
) -> tuple[int, str]:
    out = out or io.StringIO()
    return run(settings, chosen, make_ears=make_ears, environment=environment, out=out), out.getvalue()


def test_files_are_told_one_by_one_and_in_a_table(tmp_path: Path) -> None:
    heard = write(tmp_path / "a.wav", {10: 0.75, 11: 0.9, 40: 0.6})
    missed = write(tmp_path / "b.wav", {10: 0.25})
    maker = Maker()
    chosen = WakeTestOptions(files=(tmp_path,))
    code, text = outcome(settings(tmp_path, wake_word=WakeWordSettings(keep_clips=5)), chosen, maker)
    assert code == 0
    assert text.splitlines() == [
        f"{heard}: best hey_jarvis 0.900",
        "      0.88 s  hey_jarvis 0.750",
        "      3.28 s  hey_jarvis 0.600",
        f"{missed}: best hey_jarvis 0.250",
        "",
        "word        files  with it  detections  best lowest  best highest",
        "hey_jarvis      2        1           2        0.250         0.900",
    ]
    (ears,) = maker.made
    assert ears.rearmed == 2
    assert ears.settings.keep_clips == 0


def test_files_as_json_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    heard = write(tmp_path / "a.wav", {10: 0.75})
    broken = tmp_path / "b.wav"
    broken.write_text("no sound")
    code, text = outcome(settings(tmp_path), WakeTestOptions(files=(heard, broken), as_json=True), Maker())
    assert code == 1
    assert json.loads(text) == {
        "files": [
            {
                "file": str(heard),
                "seconds": 4.04,
                "best": {"hey_jarvis": 0.75},
                "detections": [{"at_seconds": 0.88, "word": "hey_jarvis", "score": 0.75}],
            }
        ],
        "failures": [f"{broken} is no WAV file of whole-number PCM: convert it, as with `sox`."],
    }


def observation(number: int, score: float) -> Observation:
    level_dbfs = -20.0 if score >= 0.3 else -60.0
    detected = "hey_jarvis" if score >= 0.5 else None
    return Observation({"hey_jarvis": score}, THRESHOLDS, number * 1280, level_dbfs, detected)


TWICE = ([0.02] * 10 + [0.8] + [0.02] * 12) * 2


@contextmanager
def speaker(
    path: Path, scores: list[float], *, is_muted: bool = False, then: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """A running speaker that tells scores as soon as somebody asks for them, and what happens then."""
    loop = asyncio.new_event_loop()
    asked, stopped = asyncio.Event(), asyncio.Event()

    def snapshot() -> Mapping[str, object]:
        loop.call_soon(asked.set)
        return {"phase": "idle", "muted": is_muted}

    server = ControlServer(path, lambda event: None, snapshot)

    async def tell() -> None:
        await asked.wait()
        for number, score in enumerate(scores):
            server.publish_observation(observation(number, score))
        then()

    async def serve() -> None:
        tasks = [loop.create_task(server.run()), loop.create_task(tell())]
        await stopped.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()
        loop.close()
        server.close()


def test_the_running_speaker_tells_its_scores_and_no_microphone_is_opened(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    with speaker(Path(ours.control.socket), TWICE):
        code, text = outcome(ours, WakeTestOptions(count=2), NoEars())
    lines = text.splitlines()
    assert code == 0
    assert lines[0] == "The running speaker tells its scores: say the wake word, with pauses."
    assert sum("0.80" in line and "heard" in line for line in lines) == 2
    assert lines[-1] == ("Heard 2 of 2 at 0.5; the lowest was 0.80, the room alone never exceeded 0.02: 0.5 is right.")
    assert len(lines) <= 9


def test_a_terminal_is_redrawn_for_every_frame(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    with speaker(Path(ours.control.socket), TWICE):
        _, text = outcome(ours, WakeTestOptions(count=2), NoEars(), out=Terminal())
    drawn = [line for line in text.split("\r") if line.startswith("hey_jarvis")]
    assert 40 <= len(drawn) <= len(TWICE)
    assert all(len(line.split("\x1b")[0]) < 80 for line in drawn)


def test_the_trial_as_json_is_one_object(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    with speaker(Path(ours.control.socket), TWICE):
        _, text = outcome(ours, WakeTestOptions(count=2, as_json=True), NoEars())
    told = json.loads(text)
    assert told["sample_scores"] == [0.8, 0.8]
    assert told["detections"] == {"hey_jarvis": 2}
    assert (told["threshold"], told["advised_threshold"], told["pause_score"]) == (0.5, 0.5, 0.02)
    assert told["advice"][-1].endswith("0.5 is right.")


def test_a_speaker_that_is_muted_says_so(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    with (
        speaker(Path(ours.control.socket), [], is_muted=True),
        pytest.raises(ControlError, match=r"^The speaker is muted: run `speakerd unmute` first\.$"),
    ):
        outcome(ours, WakeTestOptions(), NoEars())


def test_the_time_ends_a_test_in_which_nobody_speaks(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    with speaker(Path(ours.control.socket), [0.02] * 20):
        code, text = outcome(ours, WakeTestOptions(seconds=0.3), NoEars())
    assert code == 0
    assert text.splitlines()[-1] == "The wake word was not said: nothing was heard."


def test_ctrl_c_ends_the_test_with_the_advice(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    with speaker(Path(ours.control.socket), [0.02] * 20, then=lambda: os.kill(os.getpid(), signal.SIGINT)):
        code, text = outcome(ours, WakeTestOptions(seconds=0), NoEars())
    assert code == 0
    assert text.splitlines()[-1] == "The wake word was not said: nothing was heard."


@pytest.fixture
def card(tmp_path: Path) -> Callable[[], FakeCard]:
    return lambda: FakeCard(tmp_path / "card")


def test_without_a_speaker_the_microphone_is_heard(tmp_path: Path, card: Callable[[], FakeCard]) -> None:
    room = card()
    ours = settings(tmp_path, audio=AudioSettings(input="fakecard", output="fakecard"))
    knocks = np.zeros(48_000 * 20, np.int16)
    for start in range(0, len(knocks), 96_000):
        knocks[start : start + 19_200] = 20_000
    room.say(knocks, 48_000)
    code, text = outcome(ours, WakeTestOptions(count=2, seconds=30), Maker(), room.environment)
    lines = text.splitlines()
    assert code == 0
    assert lines[0] == "Say the wake word, with pauses."
    assert lines[-1].startswith("Heard 2 of 2 at 0.5; the lowest was 0.6")


def test_a_microphone_that_cannot_be_opened_is_one_sentence(tmp_path: Path, card: Callable[[], FakeCard]) -> None:
    room = card()
    ours = settings(tmp_path, audio=AudioSettings(input="nosuchcard", output="fakecard"))
    with pytest.raises(AudioDeviceError, match='No capture device is called "nosuchcard"'):
        outcome(ours, WakeTestOptions(seconds=30), Maker(), room.environment)
