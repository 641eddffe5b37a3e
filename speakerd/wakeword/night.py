"""When it is night, so that the speaker may listen with another threshold. Pure: the caller knows the time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from speakerd.errors import ConfigurationError

_SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Night:
    """A span of every day in local time, from its start up to but not including its end, across midnight or not."""

    start: time
    end: time

    def contains(self, now: time) -> bool:
        """Whether a local time of day lies in the night."""
        if self.start < self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


def night(text: str) -> Night:
    """The night that is written as "22:00-07:00"; raises ConfigurationError."""
    written = _SPAN.fullmatch(text.strip())
    if written is None:
        raise _error(text, "it is not a span of time")
    start_hour, start_minute, end_hour, end_minute = map(int, written.groups())
    try:
        span = Night(time(start_hour, start_minute), time(end_hour, end_minute))
    except ValueError:
        raise _error(text, "there is no such time of day") from None
    if span.start == span.end:
        raise _error(text, "it ends when it begins")
    return span


def _error(text: str, fault: str) -> ConfigurationError:
    return ConfigurationError(f'"wake_word.night" cannot be {text!r}, {fault}: write it as "22:00-07:00".')
