from __future__ import annotations

import time
from pathlib import Path

from bench.session_growth import growth


async def test_sessions_in_a_row_are_all_answered_and_leave_no_file_and_no_task(tmp_path: Path) -> None:
    found = await growth(tmp_path, 24, time.monotonic() + 60)
    assert (found["sessions"], found["answers"], found["counted_from"]) == (24, 24, 20)
    assert (found["fds_growth"], found["tasks_growth"]) == (0, 0)


async def test_after_the_deadline_no_session_is_begun(tmp_path: Path) -> None:
    found = await growth(tmp_path, 24, 0.0)
    assert (found["sessions"], found["answers"]) == (1, 1)
