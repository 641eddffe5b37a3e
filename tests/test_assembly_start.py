"""The parts start side by side: where one cannot, the sentence says which, and no process is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kitchen import settings
from soak.processes import children
from speakerd.assembly import Surroundings, assembled
from speakerd.demo.card import FakeCard
from speakerd.errors import ModelError, SpeechError
from speakerd.settings import OfflineSettings, Settings, WakeWordSettings


def mute_assistant(given: Settings, folder: Path) -> Settings:
    return replace(given, offline=OfflineSettings(voice=str(folder / "nobody.onnx")))


def deaf_ears(given: Settings, folder: Path) -> Settings:
    return replace(given, wake_word=WakeWordSettings(models_folder=str(folder)))


@pytest.mark.parametrize(
    ("broken", "error", "words"),
    [(mute_assistant, SpeechError, "ended while it started"), (deaf_ears, ModelError, "melspectrogram|hey_jarvis")],
)
async def test_what_cannot_start_is_named_and_nothing_stays_behind(
    tmp_path: Path, broken: Callable[[Settings, Path], Settings], error: type[Exception], words: str
) -> None:
    before = children()
    chosen = broken(replace(settings(tmp_path), board="none"), tmp_path)
    around = Surroundings(sound_environment=FakeCard(tmp_path / "card").environment)
    with pytest.raises(error, match=words):
        async with assembled(chosen, around):
            pass
    assert children() == before
    assert not (tmp_path / "control.sock").exists()
