"""When rows of scores are a detection. Pure: time is the position in samples, so there is no clock.

A word is ready when m of its last n frames reach its threshold. Then, in this order:
1. A stretch is at most one detection, however long it lasts: it begins with a frame at the threshold and ends when a
   whole window of frames, at least two, stays below. A dip of one frame never ends it.
2. Nothing for the word's refractory, which begins with its detection. A stretch that outlasts it may be detected then.
3. Nothing without a voice shortly before.
4. Nothing that our own loudspeaker has just said.
5. One utterance is one detection: of the words that are ready together the highest wins, and another word within 0.5 s
   of a detection is ignored. A word ignored so loses its stretch and begins its refractory like the winner; a word that
   was not ready stays free, so "stop" can follow an activation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from speakerd.wakeword.engine import FRAME_SAMPLES, SAMPLE_RATE_HZ
from speakerd.wakeword.threshold import SAME_UTTERANCE_SAMPLES, AdaptiveThreshold

VOICE_SAMPLES = 8 * FRAME_SAMPLES
"""A score comes up to 0.5 s after its word, and the last consonants may be too faint for the voice gate."""
ECHO_SAMPLES = SAMPLE_RATE_HZ * 6 // 5
"""1.2 s: the card's buffers and the way through the room, up to 0.4 s; frames cut elsewhere, 0.1 s; an echo blurs the
word, so that it may score only at its end, 0.7 s."""
ECHO_SHARE = 0.5
"""Share of the threshold from which our own sound is taken for the word: its echo may score higher than it does."""
OVER_PLAYOUT_SHARE = 0.6
"""Share of the threshold that counts while our own sound plays and a talker is heard over it: what is left of the echo
blurs the word (18 of 20 words at 0.5, all at 0.3), and what we say ourselves stays below 0.03."""


@dataclass(frozen=True, slots=True)
class WordRule:
    """When one word counts as said; raises ValueError if it never could."""

    threshold: float
    night_threshold: float
    """The threshold at night; 0: as by day."""
    patience_frames: int
    """How many frames of the window must reach the threshold."""
    window_frames: int
    refractory_samples: int
    """How long after a detection of this word it is not detected again (16 kHz)."""
    adaptive_range: float
    """How far the threshold may move either way by what is learned; 0: fixed."""

    def __post_init__(self) -> None:
        if not 1 <= self.patience_frames <= self.window_frames:
            raise ValueError(f"{self.patience_frames} of {self.window_frames} frames can never be reached")


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of one frame of 80 ms."""

    scores: Sequence[float]
    """In the order of the words."""
    end_sample: int
    """Position (16 kHz samples) at which the frame ends."""
    is_night: bool = False
    is_voice: bool = True
    """What the voice gate says; True where there is none. Over our own sound: whether a talker is heard, too."""
    is_over_playout: bool = False
    """Whether our own sound, or its echo, may be heard in it."""
    far_scores: Sequence[float] | None = None
    """Scores of what our own loudspeaker plays at this time; None while it plays nothing."""


@dataclass(frozen=True, slots=True)
class Detected:
    """The detector's claim that a wake word was said."""

    word: str
    score: float
    """The highest score of the stretch so far."""
    sample: int
    """Position (16 kHz samples) at which the frame ended that completed the detection."""


class Detection:
    """The rules of some words over one row of scores for each frame, without gaps; for one thread."""

    suppressed: int
    """How many detections were not reported because our own loudspeaker had said the word."""
    _voice_sample: int | None
    _last: Detected | None

    def __init__(self, rules: Mapping[str, WordRule]) -> None:
        self.suppressed = 0
        self._words = [_Word(name, rule) for name, rule in rules.items()]
        self._forget_times()

    def feed(self, heard: Heard) -> Detected | None:
        """Take the next frame; raises ValueError unless it has one score for each word."""
        end_sample = heard.end_sample
        if heard.is_voice:
            self._voice_sample = end_sample
        for word, score in zip(self._words, heard.scores, strict=True):
            word.hear(score, heard)
        if heard.far_scores is not None:
            for word, score in zip(self._words, heard.far_scores, strict=True):
                word.hear_far(score, heard)
        if self._voice_sample is None or end_sample - self._voice_sample >= VOICE_SAMPLES:
            return None
        ready = [word for word in self._words if word.is_ready(end_sample)]
        return self._choose(self._said_by_others(ready, end_sample), end_sample) if ready else None

    def judge(self, word: str, was_wanted: bool, sample: int) -> None:
        """Learn whether somebody spoke after the detection at a position; a word no longer here is ignored."""
        for known in self._words:
            if known.name == word:
                known.threshold.judge(was_wanted, sample)

    def change(self, rules: Mapping[str, WordRule]) -> None:
        """Go on with other rules, from the next frame; words that stay keep refractory, stretch and what they learned.

        The order of the scores is that of the new rules.
        """
        before = {word.name: word for word in self._words}
        self._words = [before.get(name) or _Word(name, rule) for name, rule in rules.items()]
        for word in self._words:
            word.change(rules[word.name])

    def reset(self) -> None:
        """Forget everything but what the thresholds learned, the refractory too: positions may begin anew at 0."""
        self._forget_times()
        for word in self._words:
            word.reset()

    def thresholds(self, is_night: bool) -> Mapping[str, float]:
        """What each word must reach now."""
        return {word.name: word.reach(is_night) for word in self._words}

    def _forget_times(self) -> None:
        self._voice_sample = None
        self._last = None

    def _said_by_others(self, ready: Sequence[_Word], end_sample: int) -> list[_Word]:
        """The words that are not our own sound; the stretch of the others is over."""
        own = [word for word in ready if word.is_echo(end_sample)]
        for word in own:
            word.reported = True
        self.suppressed += len(own)
        return [word for word in ready if word not in own]

    def _choose(self, ready: Sequence[_Word], end_sample: int) -> Detected | None:
        for word in ready:
            word.reported = True
            word.deaf_until_sample = end_sample + word.rule.refractory_samples
        last = self._last
        if last is not None and end_sample - last.sample < SAME_UTTERANCE_SAMPLES:
            ready = [word for word in ready if word.name == last.word]
        if not ready:
            return None
        best = max(ready, key=lambda word: word.peak)
        self._last = Detected(best.name, best.peak, end_sample)
        return self._last


class _Word:
    """One word's rule and what it remembers."""

    reported: bool
    """Whether nothing more is to come of this stretch."""
    peak: float
    """The highest score of this stretch."""
    deaf_until_sample: int
    _far_sample: int | None
    _hits: int
    """The last frames of the window as bits, the newest lowest: 1 for those at the threshold."""
    _frames_below: int

    def __init__(self, name: str, rule: WordRule) -> None:
        self.name = name
        self.rule = rule
        self.threshold = AdaptiveThreshold(rule.adaptive_range)
        self._forget_times()

    def reach(self, is_night: bool, is_over_playout: bool = False) -> float:
        share = OVER_PLAYOUT_SHARE if is_over_playout else 1.0
        return share * self.threshold.of(self._base(is_night))

    def hear(self, score: float, heard: Heard) -> None:
        self._hits = self._hits << 1 & (1 << self.rule.window_frames) - 1
        # Not the opposite of "below", so that NaN is no hit.
        if score >= self.reach(heard.is_night, heard.is_over_playout):
            self._hits |= 1
            self._frames_below = 0
            self.peak = max(self.peak, float(score))
        else:
            self._frames_below += 1
            if self._frames_below >= max(2, self.rule.window_frames):
                self._end_stretch()
        # While it is deaf to the word, a peak below the threshold cost nobody anything.
        if heard.end_sample >= self.deaf_until_sample:
            self.threshold.hear(score, self._base(heard.is_night), heard.end_sample)

    def hear_far(self, score: float, heard: Heard) -> None:
        if score >= ECHO_SHARE * self.reach(heard.is_night):
            self._far_sample = heard.end_sample

    def is_ready(self, end_sample: int) -> bool:
        """Whether the frame that ends here may be reported as a detection."""
        if self.reported or end_sample < self.deaf_until_sample:
            return False
        return self._hits.bit_count() >= self.rule.patience_frames

    def is_echo(self, end_sample: int) -> bool:
        return self._far_sample is not None and end_sample - self._far_sample <= ECHO_SAMPLES

    def change(self, rule: WordRule) -> None:
        self.rule = rule
        self.threshold.change(rule.adaptive_range)

    def reset(self) -> None:
        self.threshold.reset()
        self._forget_times()

    def _base(self, is_night: bool) -> float:
        return (self.rule.night_threshold if is_night else 0) or self.rule.threshold

    def _forget_times(self) -> None:
        self.deaf_until_sample = 0
        self._far_sample = None
        self._hits = 0
        self._end_stretch()

    def _end_stretch(self) -> None:
        self.reported = False
        self.peak = 0.0
        self._frames_below = 0
