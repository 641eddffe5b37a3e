"""`scripts/soak unplug`: pulls the sound card of a whole speaker again and again, in every way."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random

from bench.wake_report import number, table
from soak.unplug_episodes import Episode, episode, late_card, speaker
from speakerd.core.lights import Light
from speakerd.demo.card import Direction, FakeCard, Style

_WAYS: tuple[tuple[Direction | None, Style], ...] = tuple(
    (direction, style) for style in ("pollerr", "enodev") for direction in ("mic", "speaker", None)
)
_HEARING_SECONDS = 2.0
_CPU_SHARE = 0.5
_LATE_SECONDS = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Pull, plug, print; 1 unless all went as it must."""
    parser = argparse.ArgumentParser(prog="scripts/soak unplug", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="how often the card is pulled (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="speakerd-soak-") as folder:
        late, episodes = asyncio.run(_story(Path(folder), chosen.times))
    troubles = found_troubles(late, episodes)
    if chosen.json:
        late_figures = dict(zip(("hearing_seconds", "cpu_share"), late, strict=True))
        report = {"late_card": late_figures, "episodes": [asdict(one) for one in episodes], "troubles": troubles}
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
    else:
        sys.stdout.write(_text(late, episodes, troubles))
    return int(bool(troubles))


def found_troubles(late: tuple[float, float], episodes: Sequence[Episode]) -> list[str]:
    """What was not as it must be, one sentence each."""
    troubles = []
    late_seconds, cpu_share = late
    if late_seconds > _HEARING_SECONDS:
        troubles.append(f"A card that came late was heard after {late_seconds:.1f} s.")
    if cpu_share > _CPU_SHARE:
        troubles.append(f"Waiting for a card took {100 * cpu_share:.0f} % of a core.")
    for count, one in enumerate(episodes, 1):
        which = f"Episode {count} ({one.pulled}, {one.style})"
        if one.hearing_seconds > _HEARING_SECONDS:
            troubles.append(f"{which} was deaf for {one.hearing_seconds:.1f} s after the card was back.")
        if one.cpu_share > _CPU_SHARE:
            troubles.append(f"{which} took {100 * one.cpu_share:.0f} % of a core.")
        if not one.was_told:
            troubles.append(f"{which} did not show one light and one line of the journal.")
        if one.lost_processes:
            troubles.append(f"{which} left {one.lost_processes} processes behind.")
    return troubles


async def _story(folder: Path, times: int) -> tuple[tuple[float, float], list[Episode]]:
    card = FakeCard(folder / "card", channels=1)
    card.unplug()
    chance = Random(5)  # noqa: S311 - pauses, no secrets
    async with speaker(card, folder) as (_, witness):
        late = await late_card(card, witness, _LATE_SECONDS)
        episodes = []
        for count in range(times):
            direction, style = _WAYS[count % len(_WAYS)]
            episodes.append(await episode(card, witness, direction, style, chance.uniform(0.0, 4.0)))
            await witness.until(lambda: witness.lights[-1] is Light.IDLE)
            await asyncio.sleep(chance.uniform(0.2, 1.0))
    return late, episodes


def _text(late: tuple[float, float], episodes: Sequence[Episode], troubles: Sequence[str]) -> str:
    rows = [
        [
            f"{count} {one.pulled}",
            one.style,
            *(number(seconds) for seconds in (one.lost_seconds, one.hearing_seconds)),
            number(100 * one.cpu_share, 0),
            "seen" if one.was_told else "MISSING",
            str(one.lost_processes),
        ]
        for count, one in enumerate(episodes, 1)
    ]
    heads = ["pulled", "style", "lost after s", "hears after s", "% of a core", "light and journal", "lost processes"]
    came = (
        f"A card that came {_LATE_SECONDS:.0f} s late was heard {late[0]:.2f} s after it came; "
        f"waiting for it took {100 * late[1]:.0f} % of a core."
    )
    verdict = "\n".join(troubles) if troubles else "All as it must be."
    return f"{table(heads, rows)}\n\n{came}\n{verdict}\n"


if __name__ == "__main__":
    sys.exit(main())
