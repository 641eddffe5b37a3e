"""Alarms at a time of day: on the device, without a network, and not lost when the speaker restarts.

The clock on the wall is looked at again and again, because it may be set at any moment. An alarm that rings stays in
the file until it is silenced: whenever the power fails it rings again, and never once it was silenced.
"""

from __future__ import annotations

import logging
import time as clocks
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, time, tzinfo
from pathlib import Path

from speakerd.core.events import AlarmRang
from speakerd.errors import ToolError
from speakerd.ports import Post
from speakerd.tools.alarm_days import Alarm, awaited, believed, done_before, local, moment, spoken_day
from speakerd.tools.alarms_file import load_alarms, save_alarms
from speakerd.tools.clock import FIRST_YEAR, NOT_SET, spoken_time
from speakerd.tools.labels import plain_label
from speakerd.tools.spoken import spoken_list
from speakerd.tools.timers import LONGEST_DELAY_SECONDS, Handle, Scheduler

MOST_ALARMS = 20
LOOK_SECONDS = 15.0
"""How long a clock that was set may go unnoticed."""

_JUMP_SECONDS = 60.0
"""From here on a clock was set, and not only corrected."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Kept:
    alarm: Alarm
    set_at: float | None = None
    """In the scheduler's seconds; None for those of the last run."""


class Alarms:
    """All alarms. `post` takes an AlarmRang for each that is due; lives in the scheduler's thread."""

    def __init__(
        self,
        file: Path,
        post: Post,
        scheduler: Scheduler,
        wall_clock: Callable[[], float] = clocks.time,
        zone: tzinfo | None = None,
    ) -> None:
        self._file = file
        self._post = post
        self._scheduler = scheduler
        self._wall_clock = wall_clock
        self._zone = zone
        self._kept = [_Kept(alarm) for alarm in load_alarms(file)]
        self._offset = self._wall_minus_monotonic()
        self._look: Handle | None = None
        self._resume()

    @property
    def are_set(self) -> bool:
        """Whether there are any."""
        return bool(self._kept)

    def set(self, at: time, days: frozenset[int], label: str = "") -> str:
        """Ring at the next such time, and then on these days; returns what to say. Raises ToolError.

        An alarm of the same label is replaced, as is one without a label at the same time and on the same days.
        """
        now = self._now()
        alarm = Alarm(plain_label(label, "alarm"), at, days, done_before(at, now))
        if self._due(alarm) <= self._wall_clock():
            alarm = replace(alarm, done=now.date())  # the hour that comes twice, for the second time
        left = [kept for kept in self._kept if not _is_same(kept.alarm, alarm)]
        if len(left) >= MOST_ALARMS:
            raise ToolError(f"There are {MOST_ALARMS} alarms already: cancel one first.")
        self._kept = [*left, _Kept(alarm, self._scheduler.time())]
        self._save()
        self._look_later()
        name = f"{alarm.label} alarm".capitalize() if alarm.label else "Alarm"
        return f"{name} set for {spoken_time(at)} {spoken_day(alarm, now)}."

    def cancel(self, label: str = "", at: time | None = None) -> str:
        """Forget one alarm; returns what to say. Raises ToolError where none or more than one could be meant."""
        if not self._kept:
            raise ToolError("No alarm is set.")
        wanted = plain_label(label, "alarm")
        meant = [
            kept
            for kept in self._kept
            if (not wanted or kept.alarm.name.casefold() == f"{wanted} alarm") and (at is None or kept.alarm.at == at)
        ]
        if not meant:
            raise ToolError(f"There is no such alarm: set are only {_names(self._kept)}.")
        if len(meant) > 1:
            raise ToolError(f"Say which alarm to cancel: set are {_names(meant)}.")
        self._kept.remove(meant[0])
        self._save()
        return f"The {meant[0].alarm.name} is cancelled."

    def cancel_all(self) -> str:
        """Forget all alarms; returns what to say."""
        had_any = bool(self._kept)
        self._kept.clear()
        self._save()
        return "All alarms are cancelled." if had_any else "No alarm is set."

    def report(self) -> str:
        """When each rings next, soonest first, or that there are none."""
        if not self._kept:
            return "No alarm is set."
        now = local(self._wall_clock(), self._zone)
        soonest = sorted((kept.alarm for kept in self._kept), key=lambda alarm: (awaited(alarm), alarm.at))
        return " ".join(
            f"The {alarm.name} rings {f'at {spoken_time(alarm.at)} ' if alarm.label else ''}{spoken_day(alarm, now)}."
            for alarm in soonest
        )

    def silenced(self, names: AbstractSet[str]) -> None:
        """Forget that those of these names ring; those for once are then over."""
        rang = [kept for kept in self._kept if kept.alarm.rings and kept.alarm.name in names]
        if not rang:
            return
        for kept in rang:
            kept.alarm = replace(kept.alarm, rings=False)
        self._kept = [kept for kept in self._kept if kept not in rang or kept.alarm.days]
        self._save()

    def _resume(self) -> None:
        """Go on ringing where the last run was ended, unless that was long ago."""
        for kept in list(self._kept):
            if not kept.alarm.rings:
                continue
            if self._late_seconds(kept.alarm) <= LONGEST_DELAY_SECONDS:
                self._post(AlarmRang(kept.alarm.name))
            else:
                self.silenced({kept.alarm.name})
        self._look_later()

    def _late_seconds(self, alarm: Alarm) -> float:
        return self._wall_clock() - moment(alarm.done, alarm.at, self._zone)

    def _look_around(self, _: int) -> None:
        self._look = None
        if self._is_clock_set():
            before = [kept.alarm for kept in self._kept]
            self._follow_clock()
            rang = [kept.alarm.name for kept in self._waiting() if self._is_due(kept)]
            if before != [kept.alarm for kept in self._kept]:
                self._save()
            for name in rang:
                self._post(AlarmRang(name))
        self._look_later()

    def _waiting(self) -> list[_Kept]:
        """All but those that ring for the only time."""
        return [kept for kept in self._kept if kept.alarm.days or not kept.alarm.rings]

    def _follow_clock(self) -> None:
        """What was set by a clock that was wrong is meant for the next such time by the right one."""
        jump = self._wall_minus_monotonic() - self._offset
        self._offset += jump
        for kept in self._kept:
            kept.alarm = believed(kept.alarm, local(self._wall_clock(), self._zone))
            if abs(jump) < _JUMP_SECONDS:
                continue
            if kept.set_at is not None and not kept.alarm.rings and not kept.alarm.days:
                was = local(self._offset + kept.set_at, self._zone)
                kept.alarm = replace(kept.alarm, done=done_before(kept.alarm.at, was))

    def _is_due(self, kept: _Kept) -> bool:
        """Whether it has to ring now; what was missed for too long is passed over."""
        now = self._wall_clock()
        late_seconds = now - self._due(kept.alarm)
        if late_seconds > LONGEST_DELAY_SECONDS:
            _log.info(
                "An alarm that was due %d minutes ago, while the speaker was off, is passed over.", late_seconds // 60
            )
            if not kept.alarm.days:
                self._kept.remove(kept)
                return False
            missed = done_before(kept.alarm.at, local(now - LONGEST_DELAY_SECONDS, self._zone))
            kept.alarm = replace(kept.alarm, done=missed)
        if self._due(kept.alarm) > now:
            return False
        kept.alarm = replace(kept.alarm, done=awaited(kept.alarm), rings=True)
        return True

    def _due(self, alarm: Alarm) -> float:
        return moment(awaited(alarm), alarm.at, self._zone)

    def _look_later(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None
        waiting = [self._due(kept.alarm) for kept in self._waiting()]
        if waiting:
            left = min(waiting) - self._wall_clock() if self._is_clock_set() else LOOK_SECONDS
            seconds = min(LOOK_SECONDS, max(0.0, left))
            self._look = self._scheduler.call_at(self._scheduler.time() + seconds, self._look_around, 0)

    def _now(self) -> datetime:
        if not self._is_clock_set():
            raise ToolError(NOT_SET)
        return local(self._wall_clock(), self._zone)

    def _is_clock_set(self) -> bool:
        return local(self._wall_clock(), self._zone).year >= FIRST_YEAR

    def _wall_minus_monotonic(self) -> float:
        return self._wall_clock() - self._scheduler.time()

    def _save(self) -> None:
        save_alarms(self._file, [kept.alarm for kept in self._kept])


def _is_same(one: Alarm, other: Alarm) -> bool:
    """Whether one takes the other's place."""
    return one.label == other.label and (bool(one.label) or (one.at, one.days) == (other.at, other.days))


def _names(kept: Sequence[_Kept]) -> str:
    return spoken_list([f"the {each.alarm.name}" for each in kept])
