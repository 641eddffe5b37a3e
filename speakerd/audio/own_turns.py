"""The user's turns as our own voice detector finds them, pure: where the endpoint has none, and to save money.

Silence that is not sent is not paid for; a server that ends turns by itself must still hear some of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from speakerd.audio.utterances import Change
from speakerd.audio.voice import FRAME_MS, Endpointing

_REST_AFTER_MS = 2000
"""More than any server_vad waits for."""
_LOOK_BACK_MS = 600
"""How much from before the first sign of a voice is sent: the sign comes after up to 0.2 s, and begins softly."""


@dataclass(frozen=True, slots=True)
class TurnRules:
    """What the owner wants of it."""

    finds_turns: bool = False
    """Tell where utterances begin and end."""
    trims_silence: bool = False
    """Do not send what nobody says."""
    silence_ms: int = 800
    """Silence that ends an utterance."""


class OwnTurns:
    """Feed it every 10 ms of what the microphone hears; audio thread only."""

    look_back_ms = _LOOK_BACK_MS

    def __init__(self, rules: TurnRules) -> None:
        self._rules = rules
        self.finds_turns = rules.finds_turns
        self.wants_levels = rules.finds_turns or rules.trims_silence
        """Whether it must be fed at all."""
        self._silent_ms = 0
        self.restart()

    @property
    def is_speaking(self) -> bool:
        """Whether an utterance goes on."""
        return self._endpointing.is_speaking

    @property
    def may_rest(self) -> bool:
        """Whether nobody has spoken for so long that nothing need be sent."""
        return self._rules.trims_silence and self._silent_ms >= _REST_AFTER_MS

    def feed(self, level_dbfs: float, is_voice: bool) -> Change | None:
        """Take the next 10 ms: their level, and whether they sound like a voice."""
        change = self._endpointing.feed(level_dbfs, is_voice)
        is_silent = not is_voice and not self._endpointing.is_speaking
        self._silent_ms = self._silent_ms + FRAME_MS if is_silent else 0
        return change

    def uplink_opened(self) -> None:
        """From now on somebody may speak."""
        self._silent_ms = 0

    def restart(self) -> None:
        """What comes now does not follow what was fed last."""
        self._endpointing = Endpointing(self._rules.silence_ms)
