"""Whether somebody speaks over our own sound, pure: levels and voice of frames of 10 ms come in, changes come out.

After AEC3 the echo's rest lies more than 20 dB below the echo, in single frames; a talker's voice stays for longer.
Measured on made rooms with drift, jumps, long delays and strong distortion (`scripts/bench audio` repeats it).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

FRAME_MS = 10
HOLD_AFTER_XRUN_MS = 300
"""So long nothing is believed after samples were lost: the canceller must find the echo again."""

_BELOW_ECHO_DB = 26.0
"""How far below the echo's loudest frames a talker may be; what is left of the echo reaches that in single frames."""
_BELOW_NEAR_DB = 16.0
"""How far below the microphone a talker may be after cancelling, who is muted by 8 dB. A loudspeaker that distorts
strongly leaves bursts of 17 to 22 dB below."""
_ABOVE_FLOOR_DB = 12.0
_QUIETEST_DBFS = -55.0
"""Below this nobody speaks to the speaker."""
_ECHO_FALL_DB = 0.05
"""How fast the echo's loudest level is forgotten, for each frame: 5 dB in a second, as answers have pauses."""
_FLOOR_RISE_DB = 0.03
_HINT_OF, _HINT_FRAMES = 3, 6
_HEARD_OF, _HEARD_FRAMES = 5, 8
_VOICED_OF, _VOICED_FRAMES = 2, 12
_GONE_FRAMES = 40
_MASK = (1 << 16) - 1


class Talker(Enum):
    """What is known of a talker while we speak."""

    NONE = "none"
    HINTED = "hinted"
    HEARD = "heard"


class BargeIn:
    """Feed it every frame in which our own sound may be heard, and `end` when it is over."""

    def __init__(self) -> None:
        self.talker = Talker.NONE
        self._floor_dbfs = -50.0
        self._echo_dbfs = -90.0
        self._deaf_frames = 0
        self._loud = self._voiced = 0
        """The last frames as bits, the newest lowest: 1 for those that may hold a talker."""
        self._quiet_frames = 0

    @property
    def may_begin(self) -> bool:
        """Whether any of the last frames may hold a talker, or it is known of one."""
        return self.talker is not Talker.NONE or _ones(self._loud, _HINT_FRAMES) > 0

    @property
    def is_loud(self) -> bool:
        """Whether the last frames may hold a talker, however short."""
        return _ones(self._loud, _HINT_FRAMES) >= _HINT_OF

    def feed(self, near_dbfs: float, clean_dbfs: float, is_voice: Callable[[], bool]) -> Talker | None:
        """Take the next frame: the microphone's level, and that of what the canceller left.

        `is_voice`, what a voice detector says of the latter, is asked only where it matters. Returns what is known now,
        if that has changed.
        """
        self._echo_dbfs = max(near_dbfs, self._echo_dbfs - _ECHO_FALL_DB)
        self._floor_dbfs = min(clean_dbfs, self._floor_dbfs + _FLOOR_RISE_DB)
        reach = max(self._echo_dbfs - _BELOW_ECHO_DB, self._floor_dbfs + _ABOVE_FLOOR_DB, _QUIETEST_DBFS)
        is_loud = clean_dbfs > max(reach, near_dbfs - _BELOW_NEAR_DB)
        if self._deaf_frames:
            self._deaf_frames -= 1
            is_loud = False
        self._loud = self._loud << 1 & _MASK | is_loud
        self._voiced = self._voiced << 1 & _MASK | (is_loud and is_voice())
        self._quiet_frames = 0 if is_loud else self._quiet_frames + 1
        if not self._loud and self.talker is Talker.NONE:  # nearly always
            return None
        return self._become(self._next())

    def samples_lost(self) -> None:
        """The far end does not fit the near end for a while."""
        self._deaf_frames = HOLD_AFTER_XRUN_MS // FRAME_MS

    def end(self) -> Talker | None:
        """Our own sound is over, and its echo too."""
        self._loud = self._voiced = 0
        return self._become(Talker.NONE)

    def _next(self) -> Talker:
        if self.talker is not Talker.NONE and self._quiet_frames >= _GONE_FRAMES:
            return Talker.NONE
        if _ones(self._loud, _HEARD_FRAMES) >= _HEARD_OF and _ones(self._voiced, _VOICED_FRAMES) >= _VOICED_OF:
            return Talker.HEARD
        if self.talker is Talker.NONE and self.is_loud:
            return Talker.HINTED
        return self.talker

    def _become(self, talker: Talker) -> Talker | None:
        if talker is self.talker:
            return None
        self.talker = talker
        return talker


def _ones(bits: int, frames: int) -> int:
    """How many of the newest frames are set."""
    return (bits & (1 << frames) - 1).bit_count()
