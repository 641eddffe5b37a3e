"""Logging: where it goes, that failures are told once, and that libraries cannot betray a key."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from systemd.journal import JournalHandler

from speakerd.service.journal import FORGET_SECONDS, FirstOfKind, change_level, goes_to_journal, set_up_logging

KEY = "sk-proj-1234567890abcdef"


@pytest.fixture(autouse=True)
def own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test fresh root handlers, and pytest its own back."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    root, ours = logging.getLogger(), logging.getLogger("speakerd")
    kept, levels = root.handlers[:], (root.level, ours.level)
    root.handlers = []
    yield
    root.handlers = kept
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def test_elsewhere_it_is_plain_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")
    logging.getLogger("speakerd.audio.capture").info("The card %s is open.", "hw:CARD=x")
    logging.getLogger("speakerd.audio.capture").debug("not this")
    assert capsys.readouterr().err == "INFO speakerd.audio.capture: The card hw:CARD=x is open.\n"


@pytest.mark.parametrize(("level", "lines"), [("debug", "diwe"), ("info", "iwe"), ("warning", "we"), ("error", "e")])
def test_the_level_is_that_of_our_loggers(capsys: pytest.CaptureFixture[str], level: str, lines: str) -> None:
    set_up_logging(level)
    log = logging.getLogger("speakerd.daemon")
    log.debug("d")
    log.info("i")
    log.warning("w")
    log.error("e")
    assert "".join(line[-1] for line in capsys.readouterr().err.splitlines()) == lines


def test_a_library_never_tells_what_it_sends(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("debug")
    for name in ("websockets.client", "asyncio", "openai", "root"):
        logging.getLogger(name).debug("> Authorization: Bearer %s", KEY)
        logging.getLogger(name).info("> TEXT 'what the user said' %s", KEY)
        logging.getLogger(name).warning("%s is slow", name)
    written = capsys.readouterr().err
    assert KEY not in written
    assert written.count("is slow") == 4


def test_setting_up_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")
    set_up_logging("info")
    logging.getLogger("speakerd").info("once")
    assert capsys.readouterr().err == "INFO speakerd: once\n"


def test_under_systemd_it_goes_to_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "journal").open("w") as stream:
        facts = os.fstat(stream.fileno())
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{facts.st_dev}:{facts.st_ino}")
        set_up_logging("info")
    (handler,) = logging.getLogger().handlers
    assert type(handler) is JournalHandler
    assert handler.format(record(0.0)) == "The card x is gone.", "level and logger are fields of their own"


def test_under_systemd_without_the_package_it_stays_on_stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "systemd.journal", None)
    with (tmp_path / "journal").open("w") as stream:
        facts = os.fstat(stream.fileno())
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{facts.st_dev}:{facts.st_ino}")
        set_up_logging("info")
        logging.getLogger("speakerd").info("still here")
    assert (tmp_path / "journal").read_text() == "INFO speakerd: still here\n"


def test_a_redirected_stderr_is_not_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child of a service inherits JOURNAL_STREAM even if its stderr goes elsewhere."""
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    with (tmp_path / "file").open("w") as stream:
        assert not goes_to_journal(stream)
    assert not goes_to_journal(io.StringIO())


def record(created: float, message: str = "The card %s is gone.", level: int = logging.WARNING) -> logging.LogRecord:
    made = logging.LogRecord("speakerd.audio", level, __file__, 1, message, ("x",), None)
    made.created = created
    return made


@pytest.mark.parametrize(
    ("records", "written"),
    [
        ([record(0.0)], [True]),
        ([record(0.0), record(1.0), record(500.0)], [True, False, False]),
        ([record(0.0), record(1.0, "Another failure: %s")], [True, True]),
        ([record(0.0), record(FORGET_SECONDS)], [True, True]),
        ([record(0.0), record(599.0), record(1198.0)], [True, False, False]),
        ([record(0.0, level=logging.ERROR), record(0.1, level=logging.ERROR)], [True, True]),
        ([record(0.0, level=logging.INFO), record(0.1, level=logging.INFO)], [True, True]),
    ],
)
def test_a_failure_is_told_once(records: list[logging.LogRecord], written: list[bool]) -> None:
    fresh = [record(old.created, str(old.msg), old.levelno) for old in records]
    news = FirstOfKind(logging.INFO)
    assert [news.filter(item) for item in fresh] == written


def test_at_debug_repeats_are_written_as_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("debug")
    for card in ("a", "b"):
        logging.getLogger("speakerd.audio").warning("The card %s is gone.", card)
    assert capsys.readouterr().err == (
        "WARNING speakerd.audio: The card a is gone.\nDEBUG speakerd.audio: The card b is gone.\n"
    )


def test_the_level_can_be_changed_where_it_goes_already(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")
    log = logging.getLogger("speakerd.audio")
    change_level("debug")
    for _ in range(2):
        log.warning("The card is gone.")
    change_level("warning")
    log.info("not this")
    log.warning("The card is gone.")
    assert capsys.readouterr().err == (
        "WARNING speakerd.audio: The card is gone.\nDEBUG speakerd.audio: The card is gone.\n"
    )
