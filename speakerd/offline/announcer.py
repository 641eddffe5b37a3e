"""Speaks sentences of our own in the device's voice, when no endpoint is there to do it. Implements ports.Announcer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from speakerd.core.effects import announcement_item
from speakerd.core.events import PlayoutEnded
from speakerd.errors import SpeechError
from speakerd.offline.brain import Voice
from speakerd.ports import Player, Post

_log = logging.getLogger(__name__)


class SpokenAnnouncer:
    """One announcement at a time, synthesised in a thread of its own, so that the loop never waits for a program."""

    def __init__(self, voice: Callable[[], Voice], player: Player, post: Post) -> None:
        """`voice` is called for each announcement, in its thread; it may raise SpeechError."""
        self._voice = voice
        self._player = player
        self._post = post
        self._wanted: int | None = None
        self._lock = threading.Lock()
        """Held while a piece is handed over, so that none follows a stop."""

    def announce(self, number: int, text: str) -> None:
        """See Announcer."""
        self._wanted = number
        threading.Thread(target=self._speak, args=(number, text), name=f"announcement-{number}", daemon=True).start()

    def stop(self, number: int) -> None:
        """See Announcer."""
        with self._lock:
            if self._wanted == number:
                self._wanted = None

    def _speak(self, number: int, text: str) -> None:
        item_id = announcement_item(number)
        has_begun = False
        try:
            for pcm in self._voice().speak(text):
                with self._lock:
                    if self._wanted != number:
                        return
                    self._player.play(item_id, pcm)
                    has_begun = True
        except SpeechError as error:
            _log.warning("announcement %d cannot be spoken: %s", number, error)
        if has_begun:
            self._player.finish(item_id)
        else:
            self._post(PlayoutEnded(item_id, 0, cut_short=True))
