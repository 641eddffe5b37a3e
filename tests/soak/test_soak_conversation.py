"""The soak of conversations in short: sessions of minutes, and what its verdict is worth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fast_loop import run_fast
from soak.conversation_stage import NEVER_SECONDS, Plan, conversations
from soak.conversation_verdict import Lived, wrong

FINE = Lived(
    said=("remember zebra", "what is it", "what is it"),
    heard=("remember zebra", "what is it", "what is it"),
    retold=("remember zebra yes",),
    answers=3,
    most_active=1,
    ended_early=False,
    booked_nano_usd=900,
    billed_nano_usd=900,
)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"heard": ("remember zebra", "remember zebra", "what is it", "what is it")}, []),
        ({"heard": ("remember zebra", "what is it")}, ['The server never understood "what is it".']),
        ({"heard": ("what is it", "what is it", "remember zebra")}, ['The server never understood "what is it".'] * 2),
        ({"retold": ()}, ["No session followed on another."]),
        ({"retold": ("remember zebra", "remember")}, ["Session 3 was not told the code word."]),
        ({"answers": 2}, ["Of 3 answers 2 were heard."]),
        ({"most_active": 2}, ["2 responses were active at once."]),
        ({"ended_early": True}, ["The conversation ended while the user still talked."]),
        ({"booked_nano_usd": 899}, ["899 n$ were booked and 900 n$ billed."]),
        ({"unforeseen": ("no",)}, ["Unforeseen: no"]),
    ],
)
def test_the_verdict_names_what_is_wrong(changes: dict[str, Any], found: list[str]) -> None:
    assert wrong(replace(FINE, **changes)) == found


@pytest.mark.parametrize(
    "plan",
    [Plan(minutes=4, rollover_seconds=110, expiry_seconds=120), Plan(4, NEVER_SECONDS, expiry_seconds=110)],
    ids=["we replace the session", "the server ends the session"],
)
def test_conversations_go_on_over_the_ends_of_their_sessions(tmp_path: Path, plan: Plan) -> None:
    lived = run_fast(conversations(tmp_path, plan, times=2))
    assert [wrong(each) for each in lived] == [[], []]
    assert all(1 <= len(each.retold) <= 3 for each in lived)
    assert all(len(each.said) > 4 for each in lived)
