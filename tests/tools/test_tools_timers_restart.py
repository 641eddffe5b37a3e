from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools_kitchen import Kitchen


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


@pytest.mark.parametrize(
    ("off_seconds", "wall_jump_seconds", "left"),
    [
        (0, 0, "five minutes"),
        (60, 0, "four minutes"),
        (0, -86_400, "ten minutes"),  # the clock was not set yet: never longer than it was set for
        (0, 100, "three minutes and twenty seconds"),
    ],
)
def test_timers_go_on_after_a_restart(
    kitchen: Kitchen, off_seconds: float, wall_jump_seconds: float, left: str
) -> None:
    kitchen.timers.set(600, "pasta")
    kitchen.clocks.advance(300)
    kitchen.restart(off_seconds, wall_jump_seconds)
    assert kitchen.timers.report("pasta") == f"The pasta timer has {left} left."
    assert kitchen.wait(600) == ["pasta timer"]
    kitchen.restart()
    assert kitchen.timers.report() == "No timer is running."


@pytest.mark.parametrize(
    ("off_seconds", "wall_jump_seconds", "rings"),
    [(0, 0, ["tea timer"]), (3000, 0, ["tea timer"]), (0, -86_400, ["tea timer"]), (3700, 0, [])],
)
def test_what_rang_until_the_power_failed_rings_on_and_never_once_it_was_silenced(
    kitchen: Kitchen, off_seconds: float, wall_jump_seconds: float, rings: list[str]
) -> None:
    kitchen.timers.set(60, "tea")
    kitchen.timers.set(9000, "roast")
    assert kitchen.listen(60) == ["tea timer"]
    kitchen.timers.silenced({"another timer"})
    kitchen.restart(off_seconds, wall_jump_seconds)
    assert kitchen.wait(0) == rings
    kitchen.restart(0, -30)
    assert kitchen.wait(3000) == []


def test_a_timer_that_is_set_anew_while_it_rings_is_not_silenced_with_the_old_one(kitchen: Kitchen) -> None:
    kitchen.timers.set(60, "tea")
    kitchen.listen(60)
    kitchen.timers.set(30, "tea")
    kitchen.timers.silenced({"tea timer"})
    kitchen.restart()
    assert kitchen.wait(30) == ["tea timer"]


@pytest.mark.parametrize(("off_seconds", "rings"), [(3600, ["tea timer"]), (3700, [])])
def test_a_timer_that_ran_out_while_off_rings_unless_it_is_much_too_late(
    kitchen: Kitchen, off_seconds: float, rings: list[str]
) -> None:
    kitchen.timers.set(60, "tea")
    kitchen.restart(off_seconds)
    assert kitchen.wait(0) == rings


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "3",
        "\x00\x01",
        '{"timers": 5}',
        '{"timers": [{"label": "x"}]}',
        '{"timers": [{"label": "x", "seconds": 60, "due_unix_seconds": NaN}]}',
        '{"timers": [{"label": "x", "seconds": 0, "due_unix_seconds": 1.0}]}',
        '{"timers": [{"label": "x", "seconds": 100000, "due_unix_seconds": 1.0}]}',
        '{"timers": [null]}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_one_warning_and_is_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    file = tmp_path / "state" / "timers.json"
    file.parent.mkdir()
    file.write_text(content)
    kitchen = Kitchen(tmp_path)
    assert caplog.messages == [f"{file} is damaged: its timers are lost, and the next timer replaces it."]
    kitchen.timers.set(60, "tea")
    kitchen.restart()
    assert kitchen.timers.report() == "The tea timer has one minute left."


def test_a_file_that_is_not_text_is_damaged_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "timers.json").write_bytes(b"\xff\xfe\xff")
    assert Kitchen(tmp_path).timers.report() == "No timer is running."
    assert len(caplog.messages) == 1


def test_a_folder_that_cannot_be_written_costs_only_the_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("in the way")
    kitchen = Kitchen(tmp_path)
    assert kitchen.timers.set(60) == "Timer set for one minute."
    assert "will not survive a restart" in caplog.messages[-1]
    assert kitchen.wait(60) == ["one minute timer"]


def test_the_file_is_replaced_whole_and_no_draft_is_left(kitchen: Kitchen) -> None:
    kitchen.timers.set(60, "tea")
    kitchen.timers.set(120)
    assert [path.name for path in kitchen.file.parent.iterdir()] == ["timers.json"]
    saved = json.loads(kitchen.file.read_text())["timers"]
    assert saved == [
        {"label": "tea", "seconds": 60, "due_unix_seconds": pytest.approx(1_800_000_060), "rings": False},
        {"label": "", "seconds": 120, "due_unix_seconds": pytest.approx(1_800_000_120), "rings": False},
    ]


def test_labels_are_never_logged(kitchen: Kitchen, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        kitchen.timers.set(60, "secret medicine")
        kitchen.restart(10_000)
    assert "secret" not in caplog.text
    assert "is forgotten" in caplog.text


@given(
    st.lists(st.tuples(st.integers(1, 86_400), st.sampled_from(["", "tea", "egg", "rice"])), min_size=1, max_size=8),
    st.integers(0, 3000),
)
def test_every_timer_rings_at_its_time_across_a_restart(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[tuple[int, str]], restart_after: int
) -> None:
    kitchen = Kitchen(tmp_path_factory.mktemp("kitchen"))
    begun = kitchen.clocks.wall
    for seconds, label in wanted:
        kitchen.timers.set(seconds, label)
    restarted_label = {label: seconds for seconds, label in wanted if label}
    due = sorted([*(seconds for seconds, label in wanted if not label), *restarted_label.values()])
    assert len(kitchen.wait(restart_after)) == sum(second <= restart_after for second in due)
    kitchen.restart()
    for second in sorted({second for second in due if second > restart_after}):
        assert kitchen.wait(begun + second - 0.01 - kitchen.clocks.wall) == []
        assert len(kitchen.wait(0.02)) == due.count(second)
