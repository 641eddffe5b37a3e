"""The record of decisions: what is in it, and what never is."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from speakerd.tools.audit import AuditFile

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def audit(folder: Path) -> AuditFile:
    return AuditFile(folder / "audit.jsonl", lambda: NOON)


def test_a_decision_is_in_the_file_in_memory_and_in_the_journal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "speakerd")
    record = audit(tmp_path)
    record.note("unlock", "refused", "policy", "voice")
    known = {"tool": "unlock", "decision": "refused", "reason": "policy", "asker": "voice"}
    line = {"at": "2026-11-26T12:00:00+00:00", **known}
    assert json.loads((tmp_path / "audit.jsonl").read_text()) == line
    assert record.latest() == (line,)
    [logged] = caplog.records
    assert {key: logged.__dict__[key.upper()] for key in known} == known


@pytest.mark.parametrize("name", ["my mother's maiden name is Jones", "", "x" * 65, "a\nb", "unl\u043eck"])
def test_what_is_no_name_of_a_tool_is_not_written_down(tmp_path: Path, name: str) -> None:
    record = audit(tmp_path)
    record.note(name, "allowed", "policy", "voice")
    assert record.latest()[0]["tool"] == "(no tool)"


def test_memory_holds_the_latest(tmp_path: Path) -> None:
    record = audit(tmp_path)
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


def test_an_old_file_makes_place(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").write_text("x" * 300_000)
    audit(tmp_path).note("unlock", "refused", "policy", "voice")
    assert (tmp_path / "audit.old.jsonl").stat().st_size == 300_000
    assert json.loads((tmp_path / "audit.jsonl").read_text())["tool"] == "unlock"
