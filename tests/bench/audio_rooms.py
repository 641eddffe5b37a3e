"""The rooms in which people talk over the speaker, or nobody does; and what its claims there are worth. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from bench.audio_statistics import Found, Talk, found, joined, spread
from speakerd.demo.acoustics import RoomSettings

ECHO_DBFS = -26.0
"""Active RMS of our own speech at the microphone."""
VOICE_SECONDS = 1.5
"""A voice over our own is found within this time, or not at all."""
_WORD_SECONDS = 3.0
_QUIET_SECONDS = 1.5
"""So long after somebody spoke a claim may still mean them."""


@dataclass(frozen=True, slots=True)
class Room:
    """Who speaks in which room; `ratios_db` are how much louder people are than the echo, in turn."""

    acoustics: RoomSettings
    over: Literal["nobody", "voices", "words"] = "nobody"
    ratios_db: tuple[float, ...] = (0.0,)
    is_own_heard: bool = True
    """Whether the speaker talks at all."""
    mic_ppm: int = 0
    """How much faster the microphone's clock runs than the loudspeaker's: then they are two cards."""


_BASE = RoomSettings(delay_ms=80.0)
ROOMS: Mapping[str, Room] = {
    "alone": Room(_BASE),
    "alone, drift 60 ppm": Room(_BASE, mic_ppm=60),
    "alone, delay 200 ms": Room(RoomSettings(delay_ms=200.0)),
    "alone, jump of 40 ms": Room(RoomSettings(delay_ms=80.0, jump=(12.0, 40.0))),
    "alone, strong distortion": Room(RoomSettings(delay_ms=80.0, nonlinearity=4.0)),
    "voices, 0 dB": Room(_BASE, "voices"),
    "words, 0 and -6 dB": Room(_BASE, "words", (0.0, -6.0)),
    "words in quiet": Room(_BASE, "words", is_own_heard=False),
}
QUICK_ROOMS = ("alone, strong distortion", "voices, 0 dB", "words, 0 and -6 dB")


@dataclass(frozen=True, slots=True)
class Heard:
    """What happened in a room; all times are monotonic seconds."""

    began_at: float
    seconds: float
    talks: Sequence[Talk]
    barge_ins: Sequence[float]
    """When somebody was heard over our own sound."""
    wakes: Sequence[float]
    late_frames: int
    xruns: int


def row(name: str, heard: Heard) -> dict[str, Any]:
    """One line of the report."""
    over = ROOMS[name].over
    voices = _voices(heard) if over == "voices" else joined([])
    words = _words(heard) if over == "words" else joined([])
    return {
        "room": name,
        "seconds": heard.seconds,
        "voices": voices.talks,
        "voices_found": voices.hits,
        "voice_ms_p50": spread(voices.latencies_ms).p50,
        "voice_ms": voices.latencies_ms,
        "words": words.talks,
        "words_found": words.hits,
        "false_barge_ins": len(_voices(heard).false_at),
        "false_barge_ins_after_seconds": [at - heard.began_at for at in _voices(heard).false_at],
        "self_wakes": len(_words(heard).false_at),
        "late_frames": heard.late_frames,
        "xruns": heard.xruns,
    }


def figures(rooms: Mapping[str, Heard]) -> dict[str, Any]:
    """The keys of --json, and each room; None where nobody spoke so."""
    voices = joined([_voices(heard) for name, heard in rooms.items() if ROOMS[name].over == "voices"])
    own = [heard for name, heard in rooms.items() if ROOMS[name].is_own_heard]
    return {
        "barge_in_hit_rate_0db": voices.hit_rate if voices.talks else None,
        "barge_in_ms_p50": spread(voices.latencies_ms).p50 if voices.hits else None,
        "false_barge_ins": sum(len(_voices(heard).false_at) for heard in own),
        "self_wakes": sum(len(_words(heard).false_at) for heard in own),
        "wake_hit_rate_0db": _word_rate(rooms, 0.0),
        "wake_hit_rate_minus6db": _word_rate(rooms, -6.0),
        "wake_hit_rate_quiet": _word_rate(rooms, 0.0, is_own_heard=False),
        "rooms": [row(name, heard) for name, heard in rooms.items()],
    }


def _word_rate(rooms: Mapping[str, Heard], ratio_db: float, *, is_own_heard: bool = True) -> float | None:
    wanted = [
        replace(heard, talks=[talk for talk in heard.talks if talk.ratio_db == ratio_db])
        for name, heard in rooms.items()
        if (ROOMS[name].over, ROOMS[name].is_own_heard) == ("words", is_own_heard)
    ]
    words = joined([_words(heard) for heard in wanted])
    return words.hit_rate if words.talks else None


def _voices(heard: Heard) -> Found:
    return found(heard.talks, heard.barge_ins, within_seconds=VOICE_SECONDS, quiet_seconds=_QUIET_SECONDS)


def _words(heard: Heard) -> Found:
    return found(heard.talks, heard.wakes, within_seconds=_WORD_SECONDS, quiet_seconds=_QUIET_SECONDS)
