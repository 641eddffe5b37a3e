from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.mcp.names import after_domain, exposed_names, is_allowed

LONG = "tell_" + "very_" * 20 + "much"


@pytest.mark.parametrize(
    ("originals", "names"),
    [
        (["get_time"], {"get_time": "a_get_time"}),
        (["files/read.all"], {"files/read.all": "a_files_read_all"}),
        (["read.me", "read_me"], {"read_me": "a_read_me", "read.me": "a_read_me_98a1406b"}),
        (["größe"], {"größe": "a_gr__e"}),
        ([LONG], {LONG: f"a_{LONG}"[:55] + "_8eb5d3a6"}),
        ([""], {"": "a_"}),
        ([], {}),
    ],
)
def test_a_name_is_the_servers_own_where_that_can_be(originals: list[str], names: dict[str, str]) -> None:
    assert exposed_names("a", originals) == names


def test_home_assistants_names_are_the_same_in_all_versions() -> None:
    old, new = ["HassTurnOn"], ["intent__HassTurnOn"]
    assert list(exposed_names("home", old, after_domain).values()) == ["home_HassTurnOn"]
    assert list(exposed_names("home", new, after_domain).values()) == ["home_HassTurnOn"]


def test_two_that_would_be_one_stay_two() -> None:
    names = exposed_names("home", ["intent__open", "script__open"], after_domain)
    assert sorted(name[: len("home_open_")] for name in names.values()) == ["home_open_"] * 2
    assert len(set(names.values())) == 2


@pytest.mark.parametrize(
    ("name", "short"), [("a__b__c", "c"), ("HassTurnOn", "HassTurnOn"), ("a__", "a__"), ("a_b", "a_b"), ("__", "__")]
)
def test_what_is_left_of_a_name_with_its_domain(name: str, short: str) -> None:
    assert after_domain(name) == short


@given(st.lists(st.text(max_size=90) | st.text("ab._/", max_size=5), max_size=20))
def test_names_fit_every_endpoint_and_no_two_are_alike(originals: list[str]) -> None:
    names = exposed_names("server-1", originals)
    assert set(names) == set(originals)
    assert len(set(names.values())) == len(names)
    assert all(re.fullmatch(r"server-1_[A-Za-z0-9_-]*", name) and len(name) <= 64 for name in names.values())
    assert exposed_names("server-1", reversed(originals)) == names


@pytest.mark.parametrize(
    ("globs", "allowed"),
    [(["*"], True), (["get_*"], True), (["GET_*"], False), (["set_*", "get_time"], True), ([], False)],
)
def test_a_tool_is_offered_where_a_glob_matches(globs: list[str], allowed: bool) -> None:
    assert is_allowed("get_time", globs) is allowed
