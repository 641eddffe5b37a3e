"""A whole speaker on real PyAudio whose sound card is pulled: what its owner sees, and when it hears again."""

from __future__ import annotations

from pathlib import Path

from soak.processes import children
from soak.unplug_episodes import LOST, episode, late_card, speaker
from speakerd.core.lights import Light
from speakerd.demo.card import Direction, FakeCard, Style

_LOST_SECONDS = 5.0
_HEARING_SECONDS = 10.0
"""Not how fast it is, which `scripts/soak unplug` measures, but that it needs nobody: the machine may be busy."""
_SPINNING = 0.5
"""Share of a core that a process which waits never takes."""


async def test_a_pulled_card_has_its_light_and_its_line_and_is_heard_again_soon(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card", channels=1)
    ways: list[tuple[Direction | None, Style]] = [("mic", "pollerr"), ("speaker", "enodev"), (None, "pollerr")]
    async with speaker(card, tmp_path) as (_, witness):
        await witness.until(lambda: witness.lights[-1:] == [Light.IDLE])
        for direction, style in ways:
            outcome = await episode(card, witness, direction, style)
            assert outcome.was_told, (outcome, witness.lights, witness.journal)
            assert outcome.lost_seconds < _LOST_SECONDS
            assert outcome.hearing_seconds < _HEARING_SECONDS
            assert outcome.cpu_share < _SPINNING
            assert outcome.lost_processes == 0
    assert not children()


async def test_a_card_that_comes_after_the_speaker_has_started_is_heard(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card", channels=1)
    card.unplug()
    async with speaker(card, tmp_path) as (_, witness):
        hearing_seconds, _ = await late_card(card, witness, 0.0)
        assert hearing_seconds < _HEARING_SECONDS
        assert [line.startswith(f"WARNING {LOST}") for line in witness.journal] == [True], "told once"
    assert not children()
