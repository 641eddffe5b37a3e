"""A whole daemon in a room with an echo, a user who speaks and presses buttons, and everything that may go wrong."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise

from bench.audio_voices import VOICE_RATE_HZ
from bench.daemon_stage import WATCHDOG_SECONDS, DaemonProcess, room
from bench.wake_audio import Sound, spoken
from soak.daemon_verdict import Sample
from soak.daemon_watch import Watch
from soak.processes import descendants, open_files, pss_mib, rss_mib, threads
from speakerd.demo.acoustics import RoomSettings
from speakerd.demo.acoustics_room import EchoRoom
from speakerd.demo.card import FakeCard

WAKE_WORD = "hey jarvis"
_VOICES = (1, 2, 8)
"""Of `spoken`: voices and paces of flite that are heard well across a room."""
_SPEECH_DBFS = -26.0
_HEARD_SECONDS = 4.0
"""Longest time from the end of a sentence that begins with the wake word to the first sign that it was heard."""
_MOST_LATE_RINGS = 5
_MOST_TRIES, _MOST_MISSED = 5, 2
_REST_SECONDS = 60.0
"""What an idle speaker may be away for at most: the longest answer, a follow-up, and a reconnection."""


@dataclass
class Tally:
    """What has happened so far."""

    counts: Counter[str] = field(default_factory=Counter)
    """wakes, missed_wakes, misunderstood, stuck, interruptions, faults, timers …"""
    troubles: list[str] = field(default_factory=list)


class World:
    """The daemon and its surroundings, for the scenes of a day."""

    def __init__(self, daemon: DaemonProcess, card: FakeCard, echo: EchoRoom, watch: Watch) -> None:
        self.daemon = daemon
        self.card = card
        self.watch = watch
        self.tally = Tally()
        self.began_at = time.monotonic()
        self.day = 0
        self.dates: set[str] = set()
        """By the daemon's own clock and ledger."""
        self._echo = echo
        self._said: dict[tuple[str, int], Sound] = {}

    def say(self, text: str) -> float:
        """Let the day's voice say this; returns the seconds that it takes."""
        voice = _VOICES[self.day % len(_VOICES)]
        if (text, voice) not in self._said:
            self._said[text, voice] = spoken(text, voice)
        sound = self._said[text, voice]
        self._echo.say(sound, VOICE_RATE_HZ, _SPEECH_DBFS)
        return len(sound) / VOICE_RATE_HZ

    def wake(self, sentence: str = "") -> bool:
        """Say the wake word, with a sentence in the same breath; whether it was heard, if need be once more."""
        text = f"{WAKE_WORD}, {sentence}" if sentence else WAKE_WORD
        missed = 0
        for _ in range(_MOST_TRIES):
            mark, lost = self.watch.mark(), self._lost_sounds()
            self.tally.counts["wakes"] += 1
            if self.watch.sees(mark, self.say(text) + _HEARD_SECONDS, phase="listening"):
                return True
            # What a busy machine has cut out of a word proves nothing against the ears.
            is_ours = self._lost_sounds() == lost
            self.tally.counts["missed_wakes" if is_ours else "disturbed_wakes"] += 1
            missed += is_ours
            if missed == _MOST_MISSED:
                break
        self.trouble(f"The wake word was not heard in {_MOST_TRIES} tries, or missed twice: {self.watch.now['light']}.")
        return False

    def _lost_sounds(self) -> int:
        """Times that the card or the room came too late, by no will of ours."""
        return len(self.card.faults()) + self._echo.report().late_frames

    def press(self, button: str) -> None:
        """Press a button, and let it go."""
        assert self.daemon.process.stdin is not None
        self.daemon.process.stdin.write(f"{button}\n")
        self.daemon.process.stdin.flush()

    def rest(self) -> None:
        """Wait until the speaker is idle; if it does not come to rest by itself it is stuck, and is told to stop.

        A timer that rings now was misunderstood, or was set by a scene that failed: the user silences it.
        """
        if self._rests():
            return
        self.tally.counts["stuck"] += 1
        self.trouble(f"Stuck: {dict(self.watch.now)}.")
        if self.watch.now.get("muted"):
            self.press("mute")
        self.press("action")
        self._rests()

    def _rests(self) -> bool:
        for _ in range(_MOST_LATE_RINGS):
            if not self.watch.until(lambda: self.watch.now["light"] in ("idle", "ringing"), _REST_SECONDS):
                return False
            if self.watch.now["light"] == "idle":
                return True
            mark = self.watch.mark()
            self.tally.counts["late_rings"] += 1
            self.press("action")
            self.watch.sees(mark, _HEARD_SECONDS, ringing=False)
        return False

    def trouble(self, sentence: str) -> None:
        """Write down what was not as it must be."""
        minutes = (time.monotonic() - self.began_at) / 60
        self.tally.troubles.append(f"Day {self.day}, minute {minutes:.1f}: {sentence}")

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one of the daemon's processes."""
        os.kill(self.daemon.pids()[name], number)

    def go_on(self) -> None:
        """Let all that were stopped go on; one that was given up meanwhile is another process now."""
        for pid in self.daemon.pids().values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def sample(self) -> Sample:
        """Figures of each process at this moment."""
        self.dates.add(str(self.watch.now["budget"]["day"]))
        figures: dict[str, float] = {}
        for name, pid in self.daemon.pids().items():
            figures |= {
                f"{name}_rss_mib": rss_mib(pid),
                f"{name}_pss_mib": pss_mib(pid),
                f"{name}_files": open_files(pid),
                f"{name}_threads": threads(pid),
            }
        family = descendants(self.daemon.process.pid)
        figures["processes"] = 1 + len(family)
        figures["zombies"] = sum(process.is_zombie for process in family)
        return Sample(time.monotonic() - self.began_at, figures)

    def look_at_watchdog(self) -> None:
        """Count it as stuck if systemd would have restarted the daemon."""
        times = [told.at for told in self.daemon.notifications if told.text == "WATCHDOG=1"]
        gap = max((after - before for before, after in pairwise(times)), default=0.0)
        if max(gap, time.monotonic() - times[-1]) > WATCHDOG_SECONDS:
            self.tally.counts["stuck"] += 1
            self.trouble("The watchdog was not fed in time: systemd would have restarted the daemon.")
        del self.daemon.notifications[:-20]


@contextmanager
def world(midnight_in_seconds: float) -> Iterator[World]:
    """The daemon, ready, in a time zone in which a day ends so many seconds from now."""
    with room(1.0) as (folder, card), EchoRoom(card, settings=RoomSettings(echo_gain_db=-6.0)) as echo:
        running = DaemonProcess(
            folder,
            card,
            program=("-m", "soak.daemon_speaker"),
            board="breadboard",
            environment={"TZ": zone(time.time(), midnight_in_seconds)},
        )
        try:
            running.ready_seconds()
            watch = Watch(running.control)
            try:
                yield World(running, card, echo, watch)
            finally:
                watch.close()
        finally:
            running.end()


def zone(unix_seconds: float, midnight_in_seconds: float) -> str:
    """The POSIX name of a time zone in which the next day begins so many seconds later."""
    second_of_day = round(unix_seconds + midnight_in_seconds) % 86_400
    hours, rest = divmod(second_of_day, 3600)
    return f"<SOAK>{hours}:{rest // 60:02}:{rest % 60:02}"
