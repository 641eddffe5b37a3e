from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.audio_rooms import QUICK_ROOMS, ROOMS, Heard, figures
from bench.audio_statistics import Talk
from bench.audio_voices import OWN_DBFS, levelled
from speakerd.audio.pcm import rms_dbfs

TALKS = (Talk(10.0, 11.0), Talk(20.0, 21.0))
SOFTER = (*TALKS, Talk(30.0, 31.0, -6.0), Talk(40.0, 41.0, -6.0))


def heard(**changes: Any) -> Heard:
    nothing: dict[str, Any] = {"talks": (), "barge_ins": (), "wakes": (), "late_frames": 0, "xruns": 0}
    return Heard(began_at=4.0, seconds=30.0, **nothing | changes)


def test_every_room_counts_for_its_own_key() -> None:
    measured = figures(
        {
            "alone": heard(barge_ins=(5.0,), wakes=(6.0, 7.0)),
            "voices, 0 dB": heard(talks=TALKS, barge_ins=(10.15, 20.25, 28.0), wakes=(12.0,)),
            "words, 0 and -6 dB": heard(talks=SOFTER, barge_ins=(10.1,), wakes=(11.1, 21.2, 41.0)),
            "words in quiet": heard(talks=TALKS, wakes=(11.0, 21.0, 29.0)),
        }
    )
    rooms = measured.pop("rooms")
    assert rooms[0]["false_barge_ins_after_seconds"] == [1.0]
    assert measured == {
        "barge_in_hit_rate_0db": 1.0,
        "barge_in_ms_p50": pytest.approx(200),
        "false_barge_ins": 2,
        "self_wakes": 2,
        "wake_hit_rate_0db": 1.0,
        "wake_hit_rate_minus6db": 0.5,
        "wake_hit_rate_quiet": 1.0,
    }
    assert [(room["voices_found"], room["words_found"]) for room in rooms] == [(0, 0), (2, 0), (0, 3), (0, 2)]


def test_without_rooms_there_are_no_rates() -> None:
    nothing = figures({"alone": heard()})
    assert (nothing["barge_in_hit_rate_0db"], nothing["barge_in_ms_p50"], nothing["wake_hit_rate_0db"]) == (None,) * 3
    assert (nothing["false_barge_ins"], nothing["self_wakes"]) == (0, 0)


def test_the_rooms_are_those_that_were_asked_for() -> None:
    assert set(QUICK_ROOMS) <= ROOMS.keys()
    alone = [room for room in ROOMS.values() if room.over == "nobody"]
    assert {room.mic_ppm for room in alone} == {0, 60}
    assert {room.acoustics.delay_ms for room in alone} == {80.0, 200.0}
    assert {room.acoustics.nonlinearity for room in alone} == {1.2, 4.0}
    assert [room.acoustics.jump[1] for room in alone if room.acoustics.jump] == [40.0]


def test_own_speech_has_its_level_whatever_its_pauses() -> None:
    tone = (np.sin(np.arange(48_000) / 9) * 3000).astype(np.int16)
    with_pause = np.concatenate((tone, np.zeros(48_000, np.int16), tone))
    for sound in (tone, with_pause):
        assert rms_dbfs(levelled(sound, OWN_DBFS)[:48_000]) == pytest.approx(OWN_DBFS, abs=0.3)
