from __future__ import annotations

from typing import Any

from bench.audio_report import WANTED, keys, text

SPREAD = {"count": 20, "p50": 19.0, "p95": 22.7, "max": 24.2}
SHARES = {"speakerd": 0.1, "parent": 0.06, "child": 0.04, "agents_demo_loop": 0.02, "bare_pyaudio_echo": 0.01}
SECTIONS: dict[str, Any] = {
    "interruption": {
        "interrupt_to_silence_ms": SPREAD,
        "heard_error_samples_max": 0,
        "interruptions": 20,
        "repeated_for_xruns": 1,
        "block_frames": 480,
    },
    "end-to-end": {
        "mic_to_wire_ms": SPREAD,
        "delta_to_card_ms": SPREAD,
        "piece_ms": 40.0,
        "repeated_for_xruns": 0,
    },
    "costs": {
        "shares": {"quiet": SHARES, "speaking": SHARES | {"speakerd": 0.125}},
        "rss_mib": {"child": 30.0, "plane_in_parent": 5.5, "agents_demo_loop": 120.0, "bare_pyaudio_echo": 40.0},
    },
}
CIRCUMSTANCES = {
    "machine": {"processor": "x", "cores": 2, "load_average": 0.5, "python": "3.11", "versions": {"numpy": "2"}},
    "seconds_in_all": 27.0,
}


def test_the_keys_are_there_whatever_was_measured() -> None:
    assert keys({}) == dict.fromkeys(keys(SECTIONS))
    assert keys({}).keys() == WANTED.keys()
    measured = keys(SECTIONS)
    assert measured["interrupt_to_silence_ms_p95"] == measured["mic_to_wire_ms_p95"] == 22.7
    assert measured["heard_error_samples_max"] == 0
    assert measured["cpu_share"] == 0.125, "the worst situation counts"
    assert measured["rss_mib"] == 35.5


def test_the_tables_show_what_was_measured_and_what_was_not() -> None:
    report = keys(SECTIONS) | {"sections": SECTIONS, "not_measured": {"talk": "no detector"}} | CIRCUMSTANCES
    shown = text(report)
    assert "interruption to silence, p95 ms" in shown
    assert "1 more repeated for xruns" in shown
    assert "Not measured: talk (no detector)." in shown
    assert "agents_demo_loop" in shown
    nothing = text(keys({}) | {"sections": {}, "not_measured": {}} | CIRCUMSTANCES)
    assert all(words in nothing for words, *_ in WANTED.values())
