"""Speaks sentences of our own in the device's voice, when no endpoint is there to do it. Implements ports.Announcer.

A thread for each announcement runs the speech program; what it brings forth is handed to the player by the loop alone.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import partial

from speakerd.core.effects import announcement_item
from speakerd.core.events import PlayoutEnded
from speakerd.errors import SpeechError
from speakerd.offline.brain import Voice
from speakerd.ports import Player, Post

_log = logging.getLogger(__name__)


class SpokenAnnouncer:
    """One announcement at a time; make it and call it in the loop's thread."""

    def __init__(self, voice: Callable[[], Voice], player: Player, post: Post) -> None:
        """`voice` is called for each announcement, in its thread; it may raise SpeechError."""
        self._voice = voice
        self._player = player
        self._post = post
        self._loop = asyncio.get_running_loop()
        self._wanted: int | None = None
        """The announcement of which pieces may still be handed over; other threads only read it."""
        self._has_begun = False

    def announce(self, number: int, text: str) -> None:
        """See Announcer."""
        self._wanted, self._has_begun = number, False
        threading.Thread(target=self._speak, args=(number, text), name=f"announcement-{number}", daemon=True).start()

    def stop(self, number: int) -> None:
        """See Announcer."""
        if self._wanted == number:
            self._wanted = None

    def _speak(self, number: int, text: str) -> None:
        """Run in the announcement's own thread, up to the piece after a stop."""
        try:
            for pcm in self._voice().speak(text):
                if self._wanted != number:
                    return
                self._in_loop(partial(self._hand_over, number, pcm))
        except SpeechError as error:
            _log.warning("An announcement cannot be spoken: %s", error)
        finally:
            self._in_loop(partial(self._end, number))

    def _hand_over(self, number: int, pcm: bytes) -> None:
        if self._wanted == number:
            self._has_begun = True
            self._player.play(announcement_item(number), pcm)

    def _end(self, number: int) -> None:
        if self._wanted != number:
            return
        self._wanted = None
        if self._has_begun:
            self._player.finish(announcement_item(number))
        else:
            self._post(PlayoutEnded(announcement_item(number), 0, cut_short=True))

    def _in_loop(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            _log.debug("The loop has ended: nobody hears the announcement any more.")
