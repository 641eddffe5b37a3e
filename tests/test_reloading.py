"""New settings for a running speaker: what counts at once, what is named, and what is refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from speakerd.core.events import Event, WordsChanged
from speakerd.core.words import CallTool, Stop, Talk, WordAction
from speakerd.errors import ConfigurationError
from speakerd.reloading import Reloading, applied, differences, word_actions
from speakerd.settings import AudioSettings, ControlSettings, OtherWord, Settings, WakeWordSettings
from speakerd.settings_keys import keys
from speakerd.wakeword.ears import Equipment, WakeWordEars

BASE = Settings()


class Ears:
    """Keeps the equipment that it is given."""

    def __init__(self) -> None:
        self.given: list[Equipment] = []

    def change(self, equipment: Equipment) -> None:
        self.given.append(equipment)


async def reloaded(again: Callable[[], Settings], times: int = 1) -> tuple[list[Equipment], list[Event]]:
    """What the ears and the loop are given."""
    ears, posted = Ears(), list[Event]()
    reloading = Reloading(BASE, again, cast("WakeWordEars", ears), posted.append)
    for _ in range(times):
        reloading.begin()
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    return ears.given, posted


async def test_the_wake_word_changes_at_once() -> None:
    settings = replace(BASE, wake_word=WakeWordSettings("alexa", threshold=0.9))
    (equipment,), posted = await reloaded(lambda: settings)
    assert equipment.engine.words == ("alexa",)
    assert equipment.rules["alexa"].threshold == 0.9
    assert posted == [WordsChanged(())]


async def test_nothing_changed_changes_nothing() -> None:
    assert await reloaded(lambda: BASE, times=2) == ([], [])


async def test_asked_twice_it_comes_to_the_newest() -> None:
    settings = replace(BASE, wake_word=WakeWordSettings(threshold=0.7))
    given, _ = await reloaded(lambda: settings, times=3)
    assert [equipment.rules["hey_jarvis"].threshold for equipment in given] == [0.7]


@pytest.mark.parametrize(
    ("word", "sentence"), [("hey_jarviss", 'did you mean "hey_jarvis"'), ("/nowhere/my.onnx", r"/nowhere/my\.onnx")]
)
async def test_wrong_settings_are_said_and_not_used(word: str, sentence: str, caplog: pytest.LogCaptureFixture) -> None:
    assert await reloaded(lambda: replace(BASE, wake_word=WakeWordSettings(word))) == ([], [])
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "The new settings are not used" in record.message


async def test_a_file_that_cannot_be_read_is_said(caplog: pytest.LogCaptureFixture) -> None:
    def again() -> Settings:
        raise ConfigurationError("speakerd.toml is not valid TOML.")

    assert await reloaded(again) == ([], [])
    assert caplog.messages == ["The new settings are not used: speakerd.toml is not valid TOML."]


@pytest.mark.parametrize(
    ("after", "named"),
    [
        (BASE, []),
        (replace(BASE, wake_word=WakeWordSettings(threshold=0.7)), []),
        (replace(BASE, wake_word=WakeWordSettings(keep_clips=3)), ["wake_word.keep_clips"]),
        (replace(BASE, board="none", audio=AudioSettings(volume=0.1)), ["board", "audio.volume"]),
        (replace(BASE, control=ControlSettings(log_level="debug")), []),
    ],
)
def test_what_needs_a_restart_is_named(after: Settings, named: list[str]) -> None:
    assert differences(BASE, after) == [f'"{name}" was changed: restart the service to apply it.' for name in named]


def test_words_and_their_actions() -> None:
    others = (
        OtherWord("alexa"),
        OtherWord("/srv/halt.onnx", action="stop"),
        OtherWord("lights", action="tool", tool="set_light", arguments='{"on": true}'),
    )
    assert word_actions(WakeWordSettings(others=others)) == (
        WordAction("alexa", Talk()),
        WordAction("halt", Stop()),
        WordAction("lights", CallTool("set_light", '{"on": true}')),
    )


LIVE = {
    "control.log_level",
    *(key for key in keys(Settings) if key.startswith("wake_word.") and "clips" not in key),
}


def changed(settings: Any, key: str) -> Any:
    """Settings in which a key has another value; whether that is a good one does not matter here."""
    name, _, rest = key.partition(".")
    value = getattr(settings, name)
    return replace(settings, **{name: changed(value, rest) if rest else (value, "another")})


@pytest.mark.parametrize("key", list(keys(Settings)))
def test_every_setting_either_changes_or_is_named(key: str) -> None:
    after = changed(BASE, key)
    told = [f'"{key}" was changed: restart the service to apply it.']
    assert differences(BASE, after) == ([] if key in LIVE else told)
    assert (applied(BASE, after) == after) is (key in LIVE)


async def test_what_waits_for_a_restart_is_named_until_it_is_taken_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "speakerd")
    waiting = replace(BASE, board="none")
    given = iter([waiting, waiting, BASE])
    await reloaded(lambda: next(given), times=3)
    assert caplog.messages == 2 * ['"board" was changed: restart the service to apply it.']


async def test_how_much_is_logged_changes_at_once() -> None:
    ours = logging.getLogger("speakerd")
    level = ours.level
    try:
        await reloaded(lambda: replace(BASE, control=ControlSettings(log_level="error")))
        assert ours.level == logging.ERROR
    finally:
        ours.setLevel(level)
