"""The silence gate: whatever is heard, an awake engine's scores are those of an engine that never slept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speakerd.wakeword.engine import FRAME_SAMPLES
from speakerd.wakeword.silence_gate import SilenceGate
from test_wakeword_streaming import streaming
from wakeword_sounds import Sound, pause, room, said

NEVER_SLEPT = streaming("hey_jarvis")
GATED = streaming("hey_jarvis")


def both(sound: Sound) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores without a gate, with one, and in which frames the gated engine slept."""
    NEVER_SLEPT.rearm()
    GATED.rearm()
    gate = SilenceGate(GATED)
    plain, gated, asleep = [], [], []
    for frame in sound.reshape(-1, FRAME_SAMPLES):
        plain.append(float(NEVER_SLEPT.score(frame)[0]))
        gated.append(float(gate.score(frame)[0]))
        asleep.append(gate.is_asleep)
    return np.array(plain), np.array(gated), np.array(asleep)


pieces = st.lists(
    st.tuples(st.sampled_from(["quiet", "word", "loud", "click", "hum"]), st.integers(5, 90), st.integers(0, 99)),
    min_size=2,
    max_size=6,
)


def sounds(story: list[tuple[str, int, int]]) -> Sound:
    parts = []
    for kind, tenths, seed in story:
        silence = pause(tenths / 10)
        match kind:
            case "quiet":
                parts.append(room(silence, noise=3, seed=seed))
            case "word":
                parts.append(room(said("hey jarvis"), noise=3, seed=seed))
            case "loud":
                parts.append(room(silence, noise=2000, seed=seed))
            case "click":
                click = silence.copy()
                click[seed * 7] = 9000
                parts.append(room(click, noise=3, seed=seed))
            case "hum":
                hum = (5000 * np.sin(np.arange(len(silence)) * 2 * np.pi * 50 / 16_000)).astype(np.int16)
                parts.append(room(hum, noise=3, seed=seed))
    return np.concatenate(parts)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pieces)
def test_awake_it_gives_exactly_the_scores_of_an_engine_that_never_slept(story: list[tuple[str, int, int]]) -> None:
    plain, gated, asleep = both(sounds(story))
    assert (plain[~asleep] == gated[~asleep]).all()
    assert not (plain[asleep] > 0.1).any(), "it never sleeps through a word"


@pytest.mark.parametrize(
    ("story", "sleeps"),
    [
        ("an empty room", True),
        ("digital silence", True),
        ("a refrigerator's hum", True),
        ("a fan that was switched on and stays on", True),
        ("somebody talks all the time", False),
        ("a clock that ticks each second", False),
    ],
)
def test_it_sleeps_in_a_quiet_room_alone(story: str, sleeps: bool) -> None:
    t = np.arange(20 * 16_000)
    ticks = pause(20)
    ticks[::16_000] = 8000
    made = {
        "an empty room": room(pause(20), noise=12),
        "digital silence": pause(20),
        "a refrigerator's hum": room((3000 * np.sin(t * 2 * np.pi * 50 / 16_000)).astype(np.int16), noise=12),
        "a fan that was switched on and stays on": np.concatenate((room(pause(4)), room(pause(60), noise=300))),
        "somebody talks all the time": room(*[said("what I wanted to say is that this is so")] * 10),
        "a clock that ticks each second": room(ticks),
    }
    _, _, asleep = both(made[story])
    assert (asleep[-100:].mean() > 0.9) == sleeps


@pytest.mark.parametrize("level", [1.0, 0.3, 0.1, 0.05])
@pytest.mark.parametrize("hum", [0, 6000])
def test_a_word_wakes_it_however_long_it_slept(level: float, hum: int) -> None:
    word = (said("hey jarvis") * level).astype(np.int16)
    silent = np.concatenate((pause(6), word, pause(1)))
    humming = hum * np.sin(np.arange(len(silent)) * 2 * np.pi * 50 / 16_000)
    sound = room((silent + humming).astype(np.int16), noise=8)
    plain, gated, asleep = both(sound)
    assert asleep.any()
    assert gated.max() == plain.max()
    assert ((plain >= 0.5) == (gated >= 0.5)).all()


def test_a_word_after_an_hour_of_silence_is_heard_as_ever() -> None:
    GATED.rearm()
    gate = SilenceGate(GATED)
    silence = np.zeros(FRAME_SAMPLES, np.int16)
    assert max(float(gate.score(silence)[0]) for _ in range(3600 * 16_000 // FRAME_SAMPLES)) < 0.05
    NEVER_SLEPT.rearm()
    word = room(pause(0.5), said("hey jarvis"), pause(0.5), noise=3).reshape(-1, FRAME_SAMPLES)
    after = [float(gate.score(frame)[0]) for frame in word]
    fresh = [float(NEVER_SLEPT.score(frame)[0]) for frame in word]
    assert after == fresh
    assert max(after) > 0.9


def test_after_rearming_nothing_old_is_heard() -> None:
    GATED.rearm()
    gate = SilenceGate(GATED)
    for frame in room(said("hey jarvis"), noise=3).reshape(-1, FRAME_SAMPLES):
        gate.score(frame)
    gate.rearm()
    NEVER_SLEPT.rearm()
    sound = room(pause(3), said("hello there"), noise=3)
    fresh = [float(NEVER_SLEPT.score(frame)[0]) for frame in sound.reshape(-1, FRAME_SAMPLES)]
    scores = [float(gate.score(frame)[0]) for frame in sound.reshape(-1, FRAME_SAMPLES)]
    assert max(scores) == max(fresh) < 0.5


def test_what_it_never_heard_is_counted() -> None:
    GATED.rearm()
    gate = SilenceGate(GATED)
    for frame in room(pause(30), said("hey jarvis"), noise=3).reshape(-1, FRAME_SAMPLES):
        gate.score(frame)
    assert gate.skipped_frames > 250
