"""The two cancellers: what each takes out, and what it does to somebody who speaks meanwhile."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from echo_sounds import RATE_HZ, Sound, echo_of, in_pieces, speech_shaped
from speakerd.audio import echo
from speakerd.audio.echo import DELAY_SAMPLES, EchoCanceller, LinearCanceller, linear_canceller
from speakerd.audio.pcm import rms_dbfs

SECONDS = 8
FAR = speech_shaped(SECONDS, seed=3)
SETTLED = 5 * RATE_HZ
Make = Callable[[], EchoCanceller | LinearCanceller]


@pytest.fixture
def no_speex(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system without Debian's libspeexdsp1."""

    def missing(name: str) -> ctypes.CDLL:
        raise OSError(f"{name}: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    echo._speex.cache_clear()
    yield
    echo._speex.cache_clear()


@pytest.mark.parametrize(
    ("make", "delay_samples"), [(EchoCanceller, DELAY_SAMPLES), (LinearCanceller, 0)], ids=["AEC3", "linear"]
)
def test_the_delay_of_each_is_known_to_the_sample(make: Make, delay_samples: int) -> None:
    near = np.random.default_rng(1).normal(0, 2_000, 3 * RATE_HZ).astype(np.int16)
    came = in_pieces(make().process, near, np.zeros_like(near))
    size = 1 << 17
    cross = np.fft.rfft(came.astype(float), size) * np.conj(np.fft.rfft(near.astype(float), size))
    assert np.argmax(np.fft.irfft(cross)) == delay_samples


@pytest.mark.parametrize("delay_ms", [5, 50, 120])
@pytest.mark.parametrize("make", [EchoCanceller, LinearCanceller])
def test_an_echo_is_gone_after_five_seconds(make: Make, delay_ms: float) -> None:
    near = echo_of(FAR, delay_ms)
    came = in_pieces(make().process, near, FAR)
    assert rms_dbfs(near[SETTLED:]) - rms_dbfs(came[SETTLED:]) >= 20


@pytest.mark.parametrize("delay_ms", [5, 50, 120])
def test_the_linear_one_keeps_the_level_of_who_speaks_over_it(delay_ms: float) -> None:
    heard = echo_of(FAR, delay_ms)
    talker = speech_shaped(SECONDS, seed=9, rms=float(np.sqrt(np.mean(heard.astype(float) ** 2))))
    talker[:SETTLED] = 0
    came = in_pieces(LinearCanceller().process, heard + talker, FAR)
    assert rms_dbfs(came[SETTLED:]) == pytest.approx(rms_dbfs(talker[SETTLED:]), abs=2)


@pytest.mark.parametrize("make", [EchoCanceller, LinearCanceller])
def test_pieces_of_any_number_of_frames_are_the_same(make: Make) -> None:
    near, far = echo_of(FAR, 30)[:RATE_HZ], FAR[:RATE_HZ]
    whole = in_pieces(make().process, near, far, piece=160)
    for piece in (480, RATE_HZ):
        np.testing.assert_array_equal(in_pieces(make().process, near, far, piece), whole)
    assert len(make().process(near[:0], far[:0])) == 0


def test_the_linear_one_takes_views_of_any_step() -> None:
    near, far = echo_of(FAR, 30)[:RATE_HZ], FAR[:RATE_HZ]
    apart: Sound = np.repeat(near, 2)[::2]
    np.testing.assert_array_equal(LinearCanceller().process(apart, far), LinearCanceller().process(near, far))


def test_there_is_a_linear_one_where_the_library_is() -> None:
    assert linear_canceller() is not None


@pytest.mark.usefixtures("no_speex")
def test_without_the_library_there_is_no_linear_one() -> None:
    assert linear_canceller() is None
    with pytest.raises(OSError, match=r"libspeexdsp\.so\.1"):
        LinearCanceller()
