"""New settings for a running speaker: what can change counts at once, and of the rest the owner is told.

Whatever is wrong with them, the speaker goes on with what it had.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace

from speakerd.core.events import WordsChanged
from speakerd.core.words import Action, CallTool, Stop, Talk, WordAction
from speakerd.errors import SpeakerdError
from speakerd.ports import Post
from speakerd.realtime.asked import texts
from speakerd.service.journal import change_level
from speakerd.settings import OtherWord, Settings, WakeWordSettings
from speakerd.wakeword import models
from speakerd.wakeword.ears import WakeWordEars, equipment

_log = logging.getLogger(__name__)


class Reloading:
    """Loop thread only."""

    def __init__(self, settings: Settings, again: Callable[[], Settings], ears: WakeWordEars, post: Post) -> None:
        self._settings = settings
        self._again = again
        self._ears = ears
        self._post = post
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Read the settings and apply them in the background; asked twice, it begins anew after the first."""
        self._task = asyncio.get_running_loop().create_task(self._reload(self._task))

    async def _reload(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        try:
            settings = await asyncio.to_thread(self._again)
            if settings.wake_word != self._settings.wake_word:
                self._ears.change(await asyncio.to_thread(equipment, settings.wake_word))
                self._post(WordsChanged(word_actions(settings.wake_word)))
            if settings.control.log_level != self._settings.control.log_level:
                change_level(settings.control.log_level)
        except SpeakerdError as error:
            _log.error("The new settings are not used: %s", error)
            return
        for line in differences(self._settings, settings):
            _log.warning("%s", line)
        _log.info("The settings were read again.")
        self._settings = applied(self._settings, settings)


def applied(before: Settings, after: Settings) -> Settings:
    """What a speaker with the first settings has of the second without a restart."""
    old, new = before.wake_word, after.wake_word
    words = replace(new, keep_clips=old.keep_clips, clips_folder=old.clips_folder, clips_days=old.clips_days)
    return replace(before, wake_word=words, control=replace(before.control, log_level=after.control.log_level))


def differences(before: Settings, after: Settings) -> list[str]:
    """One sentence for each setting that was changed and cannot change while the speaker runs."""
    running, sentences = applied(before, after), []
    for section in fields(Settings):
        old, new = getattr(running, section.name), getattr(after, section.name)
        if not is_dataclass(old):
            names = [section.name] if old != new else []
        else:
            changed = [key.name for key in fields(old) if getattr(old, key.name) != getattr(new, key.name)]
            names = [f"{section.name}.{key}" for key in changed]
        sentences += [f'"{name}" was changed: restart the service to apply it.' for name in names]
    return sentences


def word_actions(settings: WakeWordSettings) -> tuple[WordAction, ...]:
    """What each other word does, for the core; a word given by its path is called by the name of its file."""
    return tuple(WordAction(models.word_name(other.word), _action(other)) for other in settings.others)


def _action(other: OtherWord) -> Action:
    match other.action:
        case "stop":
            return Stop()
        case "tool":
            return CallTool(other.tool, other.arguments, texts(other.arguments))
        case _:
            return Talk()
