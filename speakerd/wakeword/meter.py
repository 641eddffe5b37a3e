"""The line that `wake-test` draws, and what it counts; pure: time is the count of frames."""

from __future__ import annotations

from speakerd.wakeword.advice import CLIPPING_DBFS, Samples, Trial
from speakerd.wakeword.observation import SILENCE_DBFS, Observation

_BAR_CELLS = 30
_HOLD_FRAMES = 19
"""How long the highest score and a warning stay: 1.5 s."""
_DEAD_FRAMES = 38
"""After 3 s of zeros the microphone is called silent: a room is never."""


class Meter:
    """Takes the observations of one test, in order; `threshold` counts until the first one tells another."""

    def __init__(self, wanted_samples: int, threshold: float) -> None:
        self._threshold = threshold
        self._wanted_samples = wanted_samples
        self._samples = Samples()
        self._scores: list[float] = []
        self._last: Observation | None = None
        self._held, self._held_frames = 0.0, 0
        self._clipped_frames = self._silent_frames = 0
        self._peak_dbfs = SILENCE_DBFS
        self.frames = 0
        """Frames taken."""
        self.detections: dict[str, int] = {}
        """How often each word was detected."""

    @property
    def sample_scores(self) -> tuple[float, ...]:
        """The best score of each time that something was said."""
        return tuple(self._scores)

    @property
    def is_complete(self) -> bool:
        """Whether it was said as often as wanted."""
        return len(self._scores) >= self._wanted_samples

    def take(self, observation: Observation) -> None:
        """Count the next frame."""
        word = _first(observation)
        score = observation.scores[word]
        self.frames += 1
        self._last = observation
        self._threshold = observation.thresholds[word]
        self._peak_dbfs = max(self._peak_dbfs, observation.level_dbfs)
        self._held_frames -= 1
        if score >= self._held or self._held_frames <= 0:
            self._held, self._held_frames = score, _HOLD_FRAMES
        self._clipped_frames = _HOLD_FRAMES if observation.level_dbfs >= CLIPPING_DBFS else self._clipped_frames - 1
        self._silent_frames = self._silent_frames + 1 if observation.level_dbfs <= SILENCE_DBFS else 0
        if observation.detected is not None:
            self.detections[observation.detected] = self.detections.get(observation.detected, 0) + 1
        if (best := self._samples.feed(score, observation.level_dbfs)) is not None:
            self._scores.append(best)

    def end(self) -> Trial:
        """What the test has shown; take no more afterwards."""
        if (best := self._samples.end()) is not None and not self.is_complete:
            self._scores.append(best)
        return Trial(self._threshold, self.sample_scores, self._samples.pause_score, self._peak_dbfs)

    def warning(self) -> str:
        """What is wrong with the microphone just now; empty if nothing is."""
        if self._silent_frames >= _DEAD_FRAMES:
            return "MICROPHONE SILENT"
        return "CLIPPING" if self._clipped_frames > 0 else ""

    def line(self) -> str:
        """The state after the last frame, in ASCII."""
        seen = self._last
        if seen is None:
            return "no sound yet"
        word = _first(seen)
        parts = [
            f"{word} {seen.scores[word]:.2f}",
            f"[{_bar(seen.scores[word], seen.thresholds[word], self._held)}]",
            f"{seen.level_dbfs:4.0f} dBFS",
            f"said {len(self._scores)}/{self._wanted_samples}",
            f"heard {sum(self.detections.values())}",
            self.warning(),
        ]
        return "  ".join(parts).rstrip()


def _first(observation: Observation) -> str:
    return next(iter(observation.scores))


def _bar(score: float, threshold: float, held: float) -> str:
    """'#' up to the score, '>' at the highest of late, '|' at the threshold."""
    cells = ["#" if cell < _cell(score) else "." for cell in range(_BAR_CELLS + 1)]
    cells[_cell(held)] = ">"
    cells[_cell(threshold)] = "|"
    return "".join(cells)


def _cell(score: float) -> int:
    return round(min(max(score, 0.0), 1.0) * _BAR_CELLS)
