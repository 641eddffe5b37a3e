"""What others ask of the speaker by messages. Whoever may publish there may do it, so all of it is mistrusted. Pure.

No message is quoted anywhere: what was to be announced is nobody else's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from speakerd.core.events import EndAsked, MuteAsked

MOST_ANNOUNCED_CHARACTERS = 1000
MOST_COMMAND_BYTES = 4096

_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")
_UNSPEAKABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class SetVolume:
    """The speaker is to be as loud as this."""

    level: float
    """From 0 to 1."""


@dataclass(frozen=True, slots=True)
class Announce:
    """A sentence is to be spoken."""

    text: str


Command = MuteAsked | EndAsked | SetVolume | Announce


def command(name: str, payload: bytes) -> Command:
    """What a message at the topic of one of COMMANDS asks; raises ValueError with one sentence."""
    text = plain(payload, MOST_COMMAND_BYTES)
    match name, text:
        case "mute", "ON" | "OFF":
            return MuteAsked(text == "ON")
        case "stop", "PRESS":
            return EndAsked()
        case "volume", _ if _PERCENT.fullmatch(text) and float(text) <= 100:
            return SetVolume(float(text) / 100)
        case "announce", _ if 0 < len(text) <= MOST_ANNOUNCED_CHARACTERS:
            return Announce(text)
    raise ValueError(_WANTED.get(name, "there is no such command."))


def plain(payload: bytes, most_bytes: int) -> str:
    """A message as text in one line; raises ValueError with one sentence."""
    if len(payload) > most_bytes:
        raise ValueError(f"it must have at most {most_bytes} bytes, not {len(payload)}.")
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        # Not chained: this exception holds what it could not decode.
        raise ValueError("it must be text in UTF-8.") from None
    return _UNSPEAKABLE.sub(" ", text).strip()


_WANTED = {
    "mute": "it must be ON or OFF.",
    "stop": "it must be PRESS.",
    "volume": "it must be a number from 0 to 100.",
    "announce": f"it must be a text of at most {MOST_ANNOUNCED_CHARACTERS} characters, and not empty.",
}


class Allowance:
    """So many at once, and so many in a second; time is an argument, in seconds that only grow."""

    def __init__(self, at_once: int, per_second: float) -> None:
        self._most = float(at_once)
        self._per_second = per_second
        self._left = self._most
        self._at_seconds = 0.0

    def takes(self, now_seconds: float) -> bool:
        """Whether one more is allowed now; if so it is counted."""
        grown = self._left + max(0.0, now_seconds - self._at_seconds) * self._per_second
        self._left, self._at_seconds = min(self._most, grown), now_seconds
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
