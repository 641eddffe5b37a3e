"""The record of decisions: what is in it, and what never is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from speakerd.tools.audit import AuditFile

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def record(path: Path) -> Iterator[AuditFile]:
    known = AuditFile(path, lambda: NOON)
    yield known
    known.close()


def tools(path: Path) -> list[str]:
    return [json.loads(line)["tool"] for line in path.read_text().splitlines()]


def test_a_decision_is_in_the_file_in_memory_and_in_the_journal(
    record: AuditFile, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "speakerd")
    record.note("unlock", "refused", "policy", "voice")
    known = {"tool": "unlock", "decision": "refused", "reason": "policy", "asker": "voice"}
    line = {"at": "2026-11-26T12:00:00+00:00", **known}
    assert json.loads(path.read_text()) == line
    assert record.latest() == (line,)
    [logged] = caplog.records
    assert {key: logged.__dict__[key.upper()] for key in known} == known


@pytest.mark.parametrize("name", ["my mother's maiden name is Jones", "", "x" * 65, "a\nb", "unl\u043eck"])
def test_what_is_no_name_of_a_tool_is_not_written_down(record: AuditFile, name: str) -> None:
    record.note(name, "allowed", "policy", "voice")
    assert record.latest()[0]["tool"] == "(no tool)"


def test_memory_holds_the_latest(record: AuditFile) -> None:
    for number in range(50):
        record.note(f"tool_{number}", "allowed", "policy", "voice")
    assert [line["tool"] for line in record.latest()] == [f"tool_{number}" for number in range(30, 50)]


def test_a_file_that_cannot_be_written_is_said_once_and_memory_has_it_all(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "speakerd")
    record = AuditFile(tmp_path / "missing" / "audit.jsonl", lambda: NOON)
    for _ in range(3):
        record.note("unlock", "refused", "policy", "voice")
    assert len(caplog.records) == 1
    assert len(record.latest()) == 3


def test_an_old_file_makes_place(record: AuditFile, path: Path) -> None:
    path.write_text("x" * 300_000)
    record.note("unlock", "refused", "policy", "voice")
    assert path.with_suffix(".old.jsonl").stat().st_size == 300_000
    assert tools(path) == ["unlock"]


def test_a_file_that_grows_makes_place_and_no_line_is_lost(record: AuditFile, path: Path) -> None:
    names = [f"tool_{number}" for number in range(3000)]
    for name in names:
        record.note(name, "allowed", "policy", "voice")
    old = tools(path.with_suffix(".old.jsonl"))
    assert old
    assert old + tools(path) == names


def test_a_file_that_somebody_removed_is_begun_again(record: AuditFile, path: Path) -> None:
    record.note("unlock", "refused", "policy", "voice")
    path.unlink()
    record.note("lock", "allowed", "policy", "voice")
    assert tools(path) == ["lock"]


def test_a_decision_after_the_end_is_written_too(record: AuditFile, path: Path) -> None:
    record.note("unlock", "refused", "policy", "voice")
    record.close()
    record.close()
    record.note("lock", "allowed", "policy", "voice")
    assert tools(path) == ["unlock", "lock"]
