from __future__ import annotations

from typing import Any

import pytest

from bench.session_report import keys, text

SPREAD = {"count": 5, "p50": 310.0, "p95": 320.0, "max": 330.0}
SECTIONS: dict[str, Any] = {
    "opening": {
        key: {"0": SPREAD, "100": SPREAD}
        for key in ("wake_to_ready_ms", "wake_to_preroll_ms", "wake_to_ready_ms_warm", "wake_to_preroll_ms_warm")
    },
    "reply": {
        **dict.fromkeys(("question_to_server_ms", "first_audio_overhead_ms", "both_ways_ms"), SPREAD),
        "questions": 6,
        "xruns": 0,
    },
    "tokens": {
        "bills": {
            name: {
                "audio_in_tokens": cost,
                "answers": 12,
                "sessions": 3,
                "sent_seconds": 40.0,
                "committed_seconds": 30.0,
            }
            for name, cost in (("saving", 1700), ("plain", 3400), ("openai_agents", 91_000), ("billy", 1300))
        },
        "questions": 10,
        "minutes": 5.7,
    },
    "growth": {
        "sessions": 1000,
        "answers": 1000,
        "rss_growth_mib": 1.5,
        "fds_growth": 0,
        "tasks_growth": 0,
        "counted": {"100": {"rss_mib": 40.0}, "1000": {"rss_mib": 41.5}},
    },
    "receiving": {
        "receive_cpu_share": 0.00045,
        "cpu_seconds_per_hour": 1.6,
        "seconds_received": 3600.0,
        "times_real_time": 900.0,
    },
}
CIRCUMSTANCES = {
    "machine": {"processor": "a Pi", "cores": 4, "load_average": 0.1, "python": "3.11", "versions": {}},
    "seconds_in_all": 9.0,
}


def report(sections: dict[str, Any]) -> dict[str, Any]:
    return {**keys(sections), "sections": sections, "not_measured": {}, **CIRCUMSTANCES}


def test_keys_are_those_of_the_sections() -> None:
    found = keys(SECTIONS)
    assert found["wake_to_ready_ms"] == {"0": 310.0, "100": 310.0}
    assert found["wake_to_preroll_ms_warm_p95"] == {"0": 320.0, "100": 320.0}
    assert found["first_audio_overhead_ms_p95"] == 320.0
    assert (found["sessions"], found["rss_growth_mib"], found["fds_growth"]) == (1000, 1.5, 0)
    assert found["receive_cpu_share"] == 0.00045
    assert (found["input_audio_tokens"], found["input_audio_tokens_plain"]) == (1700, 3400)
    assert (found["input_audio_tokens_openai_agents"], found["input_audio_tokens_billy"]) == (91_000, 1300)


def test_every_key_is_there_without_any_section() -> None:
    assert keys({}).keys() == keys(SECTIONS).keys()
    assert set(keys({}).values()) == {None}


@pytest.mark.parametrize("left_out", [(), ("opening",), ("reply", "growth"), tuple(SECTIONS)])
def test_text_tells_what_was_measured(left_out: tuple[str, ...]) -> None:
    told = text(report({name: of for name, of in SECTIONS.items() if name not in left_out}))
    assert ("5 of 6 questions were answered" in told) == ("reply" not in left_out)
    assert ("1000 sessions, 1000 answers" in told) == ("growth" not in left_out)
    assert ("with 10 questions" in told) == ("tokens" not in left_out)
    assert ("session kept ready, 100 ms away" in told) == ("opening" not in left_out)
