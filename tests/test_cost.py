"""`speakerd cost`, as its owner meets it: beside the speaker, without it, and where there is nothing to read."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from speakerd.core.usage import Billed, Usage
from speakerd.cost import CostOptions, caps, ledger_path, run
from speakerd.errors import LedgerError
from speakerd.ledger.book import SCHEMA, Book
from speakerd.ledger.ledger import Ledger
from speakerd.ledger.prices import price_list
from speakerd.ledger.report import Caps
from speakerd.settings import BudgetSettings, Settings

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TODAY = date(2026, 11, 26)
MINI = "gpt-realtime-2.1-mini"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(board="none"), state_folder=str(tmp_path))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite3", price_list(), lambda _: None, now=lambda: NOON)
    ledger.start()
    ledger.book(Billed(1, 1, "openai", MINI, "r1", "response", Usage(audio_in=1000), ("get_time",)))
    yield ledger
    ledger.close()


def printed(settings: Settings, options: CostOptions | None = None) -> str:
    out = io.StringIO()
    assert run(settings, options or CostOptions(), out, TODAY) == 0
    return out.getvalue()


def test_beside_the_running_speaker_and_after_it(settings: Settings, ledger: Ledger) -> None:
    beside = printed(settings)
    assert beside.startswith("today         $0.0100  of $1.00, $0.9900 left\n")
    assert beside.isascii(), "a file that does not say what it can hold"
    ledger.book(Billed(1, 1, "openai", MINI, "r2", "response", Usage(audio_in=1000)))
    assert printed(settings).startswith("today         $0.0200  of $1.00, $0.9800 left\n")
    ledger.close()
    folder = set(Path(settings.state_folder).iterdir())
    assert printed(settings).startswith("today         $0.0200  of $1.00, $0.9800 left\n")
    assert set(Path(settings.state_folder).iterdir()) == folder, "nothing is left behind"


def test_json_and_csv(settings: Settings, ledger: Ledger) -> None:
    found = json.loads(printed(settings, CostOptions(days=7, as_json=True)))
    assert (len(found["days"]), found["today"]["spent_usd"], found["tools"][0]["tool"]) == (7, 0.01, "get_time")
    [booked] = csv.DictReader(io.StringIO(printed(settings, CostOptions(as_csv=True))))
    assert (booked["day"], booked["audio_in"], booked["cost_usd"]) == ("2026-11-26", "1000", "0.010000000")
    assert "session" in booked


def test_csv_holds_only_the_days_that_are_asked_for(settings: Settings, ledger: Ledger) -> None:
    out = io.StringIO()
    run(settings, CostOptions(days=1, as_csv=True), out, date(2026, 11, 27))
    assert out.getvalue().count("\n") == 1


def test_where_there_is_nothing_to_read(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with pytest.raises(LedgerError) as missing:
        printed(settings)
    assert str(missing.value) == (
        f"There is no ledger at {path} yet: nothing was booked, or it is elsewhere (budget.ledger)."
    )
    path.write_bytes(b"no SQLite at all, but long enough to have a header" * 9)
    with pytest.raises(LedgerError, match="cannot be read \\(file is not a database\\)"):
        printed(settings)
    path.unlink()
    Book(path, (*SCHEMA, "CREATE TABLE more (x)")).close()
    with pytest.raises(LedgerError, match="newer speakerd"):
        printed(settings)
    path.unlink()
    Book(path, ()).close()
    assert printed(settings).startswith("today         $0.0000"), "begun, and nothing more"


def test_after_damage_it_says_where_the_rest_is(settings: Settings, tmp_path: Path, ledger: Ledger) -> None:
    ledger.close()
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"noise" * 999)
    restarted = Ledger(path, price_list(), lambda _: None, now=lambda: NOON)
    restarted.start()
    text = printed(settings)
    restarted.close()
    assert "Not all is known of before 2026-11-26, because the ledger was damaged.\n" in text
    assert text.endswith("What can be rescued is in ledger.sqlite3.damaged-2026-11-26, beside the ledger.\n")


def test_where_the_ledger_is_and_what_may_be_spent(tmp_path: Path) -> None:
    assert ledger_path(BudgetSettings(), tmp_path) == tmp_path / "ledger.sqlite3"
    assert ledger_path(BudgetSettings(ledger="/mnt/usb/money"), tmp_path) == Path("/mnt/usb/money")
    assert caps(BudgetSettings()) == Caps(1_000_000_000, 10_000_000_000, 500_000_000)


def test_the_command(settings: Settings, tmp_path: Path, ledger: Ledger) -> None:
    configuration = tmp_path / "speakerd.toml"
    configuration.write_text(f'board = "none"\nstate_folder = "{tmp_path}"\n')
    command = [sys.executable, "-m", "speakerd", "cost", "--config", str(configuration)]

    def result(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)

    assert "this month" in result().stdout
    assert json.loads(result("--json", "--days", "3660").stdout)["spent_usd"] == 0.01
    assert result("--csv", "--json").returncode == 2
    assert "take 1 to 3660 days" in result("--days", "0").stderr
    ledger.close()
    (tmp_path / "ledger.sqlite3").unlink()
    missing = result()
    assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (1, "", 1)
    assert missing.stderr.startswith("speakerd: There is no ledger at ")
