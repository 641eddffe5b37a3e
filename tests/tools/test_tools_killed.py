"""A speaker that is killed at any moment: no timer and no alarm is lost, and none rings again once it was silenced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

KILLS = 100
MOST_LINES = 120
MOST_WANTED = 6
CHILD = Path(__file__).with_name("timers_child.py")


class Story:
    """What all speakers did, one after the other, as far as they could say it."""

    def __init__(self) -> None:
        self.set: set[str] = set()
        self.rang: Counter[str] = Counter()
        self.silenced: set[str] = set()
        self.killed_while_ringing: Counter[str] = Counter()
        self.silencing: set[str] = set()
        """Whose silencing began and was not said to be done, and who has not rung since: a kill came in between."""
        self.seconds = 0.0
        self._ringing: set[str] = set()

    def add(self, line: str) -> None:
        what, _, which = line.strip().partition(" ")
        match what:
            case "set":
                self.set.add(which)
            case "rang":
                assert which not in self.silenced, "it rings again although it was silenced"
                self.rang[which] += 1
                self._ringing.add(which)
                self.silencing.discard(which)
            case "silencing":
                self.silencing.add(which)
            case "silenced":
                self.silenced.add(which)
                self._ringing.discard(which)
                self.silencing.discard(which)
            case "time":
                self.seconds = float(which)

    def killed(self) -> None:
        self.killed_while_ringing.update(self._ringing)
        self._ringing.clear()


def test_killed_a_hundred_times(tmp_path: Path) -> None:
    moments = Random(6)  # noqa: S311 - moments, no secrets
    story = Story()
    command = [sys.executable, str(CHILD)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as forker:
        stdin, stdout = forker.stdin, forker.stdout
        assert stdin is not None
        assert stdout is not None
        for kill in range(KILLS + 1):
            wanted = moments.randrange(1, MOST_WANTED) if kill < KILLS else 0
            stdin.write(f"{tmp_path} {story.seconds} {wanted}\n")
            stdin.flush()
            pid = int(stdout.readline())
            if kill < KILLS:
                for _ in range(moments.randrange(MOST_LINES)):
                    story.add(stdout.readline())
                os.kill(pid, signal.SIGKILL)
            for line in iter(stdout.readline, "over\n"):
                story.add(line)
            story.killed()
        stdin.close()
    assert len(story.set) > KILLS
    assert story.set <= set(story.rang), "none is lost"
    assert set(story.rang) == story.silenced | story.silencing, "each came to its end"
    for name, times in story.rang.items():
        assert times <= 1 + story.killed_while_ringing[name], f"{name} rang twice"
