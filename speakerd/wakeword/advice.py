"""Which threshold suits this owner in this room; pure, from what was heard while the wake word was said some times.

A threshold is never advised that would miss a sample which was heard before, nor a lower one than LOWEST_THRESHOLD,
nor any below that without a warning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LOWEST_THRESHOLD = 0.3
USUAL_THRESHOLD = 0.5
UNHEARD_SCORE = 0.1
"""A sample that scores less was not heard at all: no threshold finds it."""
CLIPPING_DBFS = -0.1
QUIET_DBFS = -45.0
"""Speech that never peaks higher is too quiet for the models."""
_MARGIN = 0.1
"""What should lie between the threshold and the weakest sample, and between it and the room."""
_STEP = 0.05
_FALSE_ALARMS = (
    "a low threshold brings false alarms (hey_jarvis, in an hour of other people's speech: 2.24 at 0.3, 0.24 at 0.5)"
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What was heard of a wake word that was said some times."""

    threshold: float
    """The threshold that counts now."""
    sample_scores: tuple[float, ...]
    """The best score of each time."""
    pause_score: float
    """The highest score of the pauses between; 0 if there were none."""
    peak_dbfs: float
    """The loudest moment; full scale is 0."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What the owner should do."""

    threshold: float
    """The threshold that suits; the present one if another would not help."""
    sentences: tuple[str, ...]
    """What was heard, then what to do, most important first."""


class Samples:
    """Finds the times that somebody said something in a row of frames: a short loud stretch, or one that scores."""

    def __init__(self) -> None:
        self.pause_score = 0.0
        """The highest score outside of samples."""
        self._floor_dbfs = math.inf
        self._loud_frames = self._quiet_frames = 0
        self._best = 0.0

    def feed(self, score: float, level_dbfs: float) -> float | None:
        """Take the next frame of 80 ms; the best score of a sample that has just ended."""
        self._floor_dbfs = max(_LOWEST_FLOOR_DBFS, min(level_dbfs, self._floor_dbfs + _FLOOR_RISE_DB))
        is_loud = level_dbfs > self._floor_dbfs + _LOUDER_DB or score >= LOWEST_THRESHOLD
        if is_loud:
            self._loud_frames += 1 + (self._quiet_frames if self._loud_frames else 0)
            self._quiet_frames = 0
        elif self._loud_frames:
            self._quiet_frames += 1
        else:
            self.pause_score = max(self.pause_score, score)
            return None
        self._best = max(self._best, score)
        return self.end() if self._quiet_frames >= _QUIET_FRAMES else None

    def end(self) -> float | None:
        """End what is going on; its best score if it was a sample."""
        best, frames = self._best, self._loud_frames
        self._loud_frames = self._quiet_frames = 0
        self._best = 0.0
        if best >= LOWEST_THRESHOLD or _SHORTEST_FRAMES <= frames <= _LONGEST_FRAMES:
            return best
        self.pause_score = max(self.pause_score, best)
        return None


def advice(trial: Trial) -> Advice:
    """What the scores say."""
    if not trial.sample_scores:
        return Advice(trial.threshold, (*_of_the_microphone(trial), "The wake word was not said: nothing was heard."))
    threshold, reason = _threshold(trial)
    return Advice(threshold, (*_of_the_microphone(trial), _heard(trial, reason), *_unheard(trial)))


_FLOOR_RISE_DB = 0.1
"""How fast a frame lets the estimate of the room's level rise, so that a fan counts as silence after a while."""
_LOWEST_FLOOR_DBFS = -70.0
_LOUDER_DB = 12.0
_QUIET_FRAMES = 10
"""A sample ends after 0.8 s of quiet: longer than the pauses inside of a word, and than scores lag behind it."""
_SHORTEST_FRAMES, _LONGEST_FRAMES = 3, 31
"""A wake word takes 0.24 to 2.5 s; a knock and a talk are none."""


def _of_the_microphone(trial: Trial) -> tuple[str, ...]:
    """Present in a trial whose microphone explains what went wrong."""
    heard = sum(score >= trial.threshold for score in trial.sample_scores)
    if trial.peak_dbfs < QUIET_DBFS and heard < max(1, len(trial.sample_scores)):
        return (
            f"The microphone is too quiet: {trial.peak_dbfs:.0f} dBFS peak; "
            "raise its level with alsamixer, or speak closer, and test again.",
        )
    if trial.peak_dbfs >= CLIPPING_DBFS:
        return ("The microphone is overdriven: lower its level with alsamixer, and test again.",)
    return ()


def _heard(trial: Trial, reason: str) -> str:
    scores = trial.sample_scores
    heard = sum(score >= trial.threshold for score in scores)
    counted = f"Heard {heard} of {len(scores)} at {_short(trial.threshold)}"
    lowest = _lowest(trial)
    if lowest is None:
        return f"{counted}: {reason}."
    return f"{counted}; the lowest was {lowest:.2f}, the room alone never exceeded {trial.pause_score:.2f}: {reason}."


def _unheard(trial: Trial) -> tuple[str, ...]:
    unheard = min(UNHEARD_SCORE, trial.threshold)
    count, total = sum(score < unheard for score in trial.sample_scores), len(trial.sample_scores)
    if not count:
        return ()
    were = "was" if count == 1 else "were"
    return (f"{count} of the {total} {were} not heard at all: speak closer, or choose another word.",)


def _threshold(trial: Trial) -> tuple[float, str]:
    """The threshold that suits, and why."""
    now, lowest, room = trial.threshold, _lowest(trial), trial.pause_score
    if lowest is None:
        return now, "no threshold helps"
    if lowest <= room or now < _rounded_down(lowest) <= room:
        return now, "no threshold tells it from the room; make the room quieter, or choose another word"
    if room >= now - _MARGIN and lowest >= now:
        higher = min(_rounded_down(lowest), _rounded_up((lowest + room) / 2))
        return (
            (higher, _raise(higher)) if higher > now else (now, f"{_short(now)} is as good as it gets{_but_low(now)}")
        )
    if lowest < now:
        return _lowered(now, lowest, room)
    if now < USUAL_THRESHOLD <= lowest - _MARGIN:
        return USUAL_THRESHOLD, _raise(USUAL_THRESHOLD)
    return now, f"{_short(now)} is right{_but_low(now)}"


def _lowered(now: float, lowest: float, room: float) -> tuple[float, str]:
    """What to do when the weakest sample is below the threshold."""
    if now <= LOWEST_THRESHOLD:
        return now, f"do not go lower, {_FALSE_ALARMS}; speak closer, or choose another word"
    lower = max(LOWEST_THRESHOLD, _rounded_down(lowest - _MARGIN / 2))
    if lower <= room:
        return now, f"a lower threshold would take the room for the word, so leave it at {_short(now)}"
    still = "; the weakest is missed even then" if lowest < lower else ""
    return lower, f"lower the threshold to {_short(lower)}{still}; mind that {_FALSE_ALARMS}"


def _lowest(trial: Trial) -> float | None:
    """The weakest sample that was heard somehow."""
    heard = min(UNHEARD_SCORE, trial.threshold)
    return min((score for score in trial.sample_scores if score >= heard), default=None)


def _raise(threshold: float) -> str:
    return f"raise the threshold to {_short(threshold)}{_but_low(threshold)}"


def _but_low(threshold: float) -> str:
    return f", but {_FALSE_ALARMS}" if threshold < LOWEST_THRESHOLD else ""


def _rounded_down(score: float) -> float:
    return round(math.floor(score / _STEP + 1e-9) * _STEP, 2)


def _rounded_up(score: float) -> float:
    return round(math.ceil(score / _STEP - 1e-9) * _STEP, 2)


def _short(threshold: float) -> str:
    return f"{threshold:.2f}".removesuffix("0")
