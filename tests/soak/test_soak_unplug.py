from __future__ import annotations

import pytest

from soak.unplug import found_troubles
from soak.unplug_episodes import Episode

GOOD = Episode("mic", "pollerr", 0.5, 1.2, 0.1, was_told=True, lost_processes=0)


@pytest.mark.parametrize(
    ("late", "one", "trouble"),
    [
        ((1.0, 0.1), GOOD, None),
        ((2.5, 0.1), GOOD, "A card that came late was heard after 2.5 s."),
        ((1.0, 0.9), GOOD, "Waiting for a card took 90 % of a core."),
        (
            (1.0, 0.1),
            Episode("both", "enodev", 0.5, 2.1, 0.1, was_told=True, lost_processes=0),
            "Episode 1 (both, enodev) was deaf for 2.1 s after the card was back.",
        ),
        (
            (1.0, 0.1),
            Episode("both", "enodev", 0.5, 1.1, 0.9, was_told=True, lost_processes=0),
            "Episode 1 (both, enodev) took 90 % of a core.",
        ),
        (
            (1.0, 0.1),
            Episode("mic", "enodev", 0.5, 1.1, 0.1, was_told=False, lost_processes=0),
            "Episode 1 (mic, enodev) did not show one light and one line of the journal.",
        ),
        (
            (1.0, 0.1),
            Episode("mic", "enodev", 0.5, 1.1, 0.1, was_told=True, lost_processes=1),
            "Episode 1 (mic, enodev) left 1 processes behind.",
        ),
    ],
)
def test_the_soak_says_what_was_wrong(late: tuple[float, float], one: Episode, trouble: str | None) -> None:
    assert found_troubles(late, [one]) == ([] if trouble is None else [trouble])
