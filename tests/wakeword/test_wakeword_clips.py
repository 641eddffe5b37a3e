"""Clips of what woke the speaker: whole, private, few, and never in the way of hearing."""

from __future__ import annotations

import logging
import os
import re
import stat
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.wakeword.clips import CLIP_SAMPLES, FRAMES_AFTER, ClipKeeper, clip_name

NOW = 1_800_000_000.5
DAY = 86_400.0


class Clock:
    """Time as the story wants it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def frame(number: int) -> NDArray[np.int16]:
    return np.full(1280, number, np.int16)


def recorded(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def clips(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def keep_one(keeper: ClipKeeper, frames: int = 45, word: str = "hey_jarvis", after: int = FRAMES_AFTER) -> None:
    """Hear frames numbered from 1, a detection, and some more."""
    for number in range(1, frames + 1):
        keeper.hear(frame(number))
    keeper.keep(word, 0.934)
    for number in range(frames + 1, frames + 1 + after):
        keeper.hear(frame(number))


@pytest.mark.parametrize(
    ("frames", "after", "samples"),
    [
        (45, FRAMES_AFTER, CLIP_SAMPLES),
        (45, FRAMES_AFTER + 30, CLIP_SAMPLES),
        (10, FRAMES_AFTER, 16 * 1280),
        (45, 2, CLIP_SAMPLES),
        (0, 0, 0),
    ],
)
def test_a_clip_holds_the_last_three_seconds_and_half_a_second_after_the_detection(
    tmp_path: Path, frames: int, after: int, samples: int
) -> None:
    keeper = ClipKeeper(tmp_path, 20, 7.0, Clock())
    keep_one(keeper, frames, after=after)
    keeper.close()
    (path,) = clips(tmp_path)
    last = frames + min(after, FRAMES_AFTER)
    expected = np.repeat(np.arange(1, last + 1), 1280)
    assert np.array_equal(recorded(path), expected[len(expected) - samples :])


def test_folder_and_file_are_the_owners_alone_and_the_name_tells_all(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "clips"
    keeper = ClipKeeper(folder, 20, 7.0, Clock())
    keep_one(keeper)
    keeper.close()
    (path,) = clips(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert re.fullmatch(r"2027-01-1\dT\d\d-\d0-00\.5-hey_jarvis-0\.93\.wav", path.name)


@pytest.mark.parametrize(
    ("word", "ending"),
    [
        ("/home/pi/hey_bob.onnx", "-hey_bob-0.50.wav"),
        ("hey bob!.tflite", "-hey_bob_-0.50.wav"),
        ("../../etc/passwd", "-passwd-0.50.wav"),
        ("", "-_-0.50.wav"),
        ("x" * 300, f"-{'x' * 64}-0.50.wav"),
    ],
)
def test_any_word_makes_a_harmless_name(word: str, ending: str) -> None:
    name = clip_name(word, 0.5, NOW)
    assert name.endswith(ending)
    assert "/" not in name


def test_two_words_at_once_are_two_clips(tmp_path: Path) -> None:
    keeper = ClipKeeper(tmp_path, 20, 7.0, Clock())
    keep_one(keeper, 20, "hey_jarvis", after=2)
    keeper.keep("stop", 0.8)
    for number in range(23, 40):
        keeper.hear(frame(number))
    keeper.close()
    ends = {path.name.split("-")[-2]: int(recorded(path)[-1]) for path in clips(tmp_path)}
    assert ends == {"hey_jarvis": 26, "stop": 28}


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    clock = Clock()
    keeper = ClipKeeper(tmp_path, 2, 7.0, clock)
    for word in ("first", "second", "third"):
        keep_one(keeper, 1, word)
        clock.now += 60
    keeper.close()
    assert [path.name.split("-")[-2] for path in clips(tmp_path)] == ["second", "third"]


def test_what_is_old_is_deleted_at_the_start_and_what_is_not_ours_never(tmp_path: Path) -> None:
    ours = {days: tmp_path / clip_name("w", 0.5, NOW - days * DAY) for days in (1, 6, 8)}
    unfinished = tmp_path / f".{clip_name('w', 0.5, NOW)}.part"
    for path in (*ours.values(), unfinished, tmp_path / "holiday.wav", tmp_path / "notes-0.50.wav"):
        path.touch()
        os.utime(path, (NOW - 99 * DAY, NOW - 99 * DAY))
    for days, path in ours.items():
        os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    ClipKeeper(tmp_path, 20, 7.0, Clock()).close()
    assert set(clips(tmp_path)) == {ours[1], ours[6], tmp_path / "holiday.wav", tmp_path / "notes-0.50.wav"}


def test_a_folder_that_cannot_be_is_one_warning_and_hearing_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "speakerd.wakeword.clips")
    (tmp_path / "file").touch()
    keeper = ClipKeeper(tmp_path / "file" / "clips", 20, 7.0, Clock())
    for _ in range(3):
        keep_one(keeper)
    keeper.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "DEBUG", "DEBUG"]
    assert caplog.messages[0] == (
        f"The clip of a wake word cannot be kept in {tmp_path}/file/clips (Not a directory): "
        "make room there, or change wake_word.clips_folder."
    )


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    obstacle = tmp_path / clip_name("hey_jarvis", 0.934, NOW)
    obstacle.mkdir()  # replacing it fails as late as it can
    (obstacle / "x").touch()
    keeper = ClipKeeper(tmp_path, 20, 365_000.0, Clock())
    keep_one(keeper)
    keeper.close()
    assert clips(tmp_path) == [obstacle]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_folder_that_was_removed_meanwhile_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    ClipKeeper(folder, 20, 7.0, Clock()).close()
    folder.rmdir()
    keeper = ClipKeeper(folder, 20, 7.0, Clock())
    keep_one(keeper)
    keeper.close()
    assert len(clips(folder)) == 1
