from __future__ import annotations

from pathlib import Path

import pytest

from bench import ledger


def test_the_figures_are_of_what_was_booked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "DAYS", 3)
    figures = ledger.measured(tmp_path / "ledger.sqlite3", bookings=20)
    assert figures["file_bookings"] == 320
    assert 0 < figures["booking_us_median"] <= figures["booking_us_p99"] <= figures["booking_us_worst"]
    assert figures["writes_per_booking"] >= 2, "the header and the page of at least one frame of the WAL"
    assert figures["written_bytes_per_booking"] > 4096
    assert figures["file_bytes"] > 320 * 100
