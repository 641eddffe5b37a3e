from __future__ import annotations

import numpy as np
import pytest

from bench.session_server import Utterances
from speakerd.audio.pcm import bytes_of


def piece(ms: int, *, is_loud: bool) -> bytes:
    return bytes_of(np.full(24 * ms, 6000 if is_loud else 10, np.int16))


@pytest.mark.parametrize(
    ("pieces", "ends_at"),
    [
        ([(30, False)] * 20, None),
        ([(30, True)] * 20, None),
        ([(30, True)] * 2 + [(30, False)] * 10, None),
        ([(30, True)] * 2 + [(30, False)] * 11, 12),
        ([(30, True), (270, False), (30, True), (301, False)], 3),
        ([(30, False)] * 3 + [(500, True), (400, False)], 4),
    ],
)
def test_an_utterance_is_over_after_more_than_300_ms_of_silence(
    pieces: list[tuple[int, bool]], ends_at: int | None
) -> None:
    utterances = Utterances()
    ends = [utterances.is_over(piece(ms, is_loud=is_loud), float(n)) for n, (ms, is_loud) in enumerate(pieces)]
    assert ends.count(True) == (0 if ends_at is None else 1)
    if ends_at is not None:
        assert ends[ends_at]
        assert utterances.heard_at == max(n for n, (_, is_loud) in enumerate(pieces) if is_loud)
