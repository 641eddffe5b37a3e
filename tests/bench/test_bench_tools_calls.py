"""How the times of calls are found in what was told of them."""

from __future__ import annotations

import random

import pytest

from bench.tools_bare import Lone
from bench.tools_calls import Call, figures, paired, paired_alone


def told() -> list[dict[str, object]]:
    """Two turns of an own tool and of one over HTTP, and then two calls without a speaker."""
    rows = [
        ("tools", "", 0.0),
        *(("call", "web", at) for at in (10.002, 20.003, 100.001, 101.001)),
        *(("answer", "web", at) for at in (10.5, 20.5, 100.2, 101.2)),
        ("over", "", 50.0),
    ]
    turns = [("own", 5.0, 5.004), ("own", 15.0, 15.006), ("web", 10.0, 10.501), ("web", 20.0, 20.503)]
    turns += [("own", 60.0, 60.9), ("own", 61.0, 61.001), ("web", 62.0, 62.9), ("web", 63.0, 63.002)]
    events: list[dict[str, object]] = [{"what": what, "source": source, "at": at} for what, source, at in rows]
    events += [
        {"what": "turn", "source": source, "at": at, "output_at": output_at, "is_error": False}
        for source, at, output_at in turns
    ]
    random.Random(4).shuffle(events)  # noqa: S311 - no secret
    return events


def test_only_what_is_ours_of_a_call_counts() -> None:
    found = paired(told())
    assert [round(call.overhead_ms, 3) for call in found["own"]] == [4, 6]
    assert [round(call.overhead_ms, 3) for call in found["web"]] == [2 + 1, 3 + 3]
    assert [round(call.server_ms) for call in found["web"]] == [498, 497]
    assert found["mqtt"] == found["stdio"] == []


def test_what_the_model_was_answered_at_once_is_its_own_part() -> None:
    alone = paired_alone(told(), {})
    assert [round(call.overhead_ms, 3) for call in alone["own"]] == [1, 2]


def test_the_first_call_of_a_bare_client_is_not_counted() -> None:
    alone = paired_alone(told(), {"web": [Lone(100.0, 100.3), Lone(101.0, 101.205)]})
    assert [round(call.overhead_ms, 3) for call in alone["web"]] == [1 + 5]


def test_a_call_that_nobody_saw_pass_is_no_figure() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired([event for event in told() if event["at"] != 10.5])


def test_all_calls_count_together_and_each_source_for_itself() -> None:
    ours = {"own": [Call(0, 0, 0, 0.001)], "web": [Call(0, 0.001, 1, 1.002), Call(0, 0.002, 1, 1.003)]}
    measured = figures(ours, {"own": [Call(0, 0, 0, 0.0005)], "web": [Call(0, 0.001, 1, 1.001)]})
    assert (measured["overhead_ms"]["count"], measured["overhead_ms"]["p50"]) == (3, pytest.approx(3))
    assert measured["sources"]["web"]["added_ms"]["max"] == pytest.approx(2.5)
    assert measured["sources"]["own"]["added_ms"]["max"] == pytest.approx(0.5)
    assert measured["added_ms"]["p50"] == pytest.approx(0.5)
