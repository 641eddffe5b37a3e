"""The speaker in the machine as its owner meets it: a service, a card, a button, a light, a journal."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from appliance.machine import SLOWNESS, Machine, MachineError

ACTION, MUTE, LED = 17, 22, 27
"""Lines of the breadboard's buttons and LED."""
MOST_TAKES = 3
"""Of a scene in which the card lost sound."""
QUIET_RMS = 60
"""Less is no sound, as the card's other end records it."""
SETTINGS = "/etc/speakerd/speakerd.toml"
RESTART = "systemctl restart speakerd || { journalctl --unit speakerd --lines 20 --no-pager --output cat; false; }"
needs_real_time = pytest.mark.skipif(SLOWNESS > 1, reason="an emulated machine is too slow to hear and speak")


@dataclass(frozen=True)
class Scene:
    """What happened in a scene; times are its seconds. See payload/scene.py."""

    problem: str
    events: list[tuple[float, dict[str, Any]]]
    sound: list[tuple[float, int]]
    led: dict[str, tuple[int, int]]
    steps: list[tuple[float, list[Any]]]
    lost: int
    """How often the card lost what was captured."""

    def at(self, **values: Any) -> list[float]:
        """When events with these values came."""
        return [when for when, event in self.events if values.items() <= event.items()]

    def step_at(self, *step: Any) -> float:
        """When a step was begun."""
        return next(when for when, other in self.steps if other[: len(step)] == [*step])

    def phases(self) -> list[str]:
        """The phases in order, each change once."""
        told = [event["phase"] for _, event in self.events if event["event"] == "phase"]
        return [phase for before, phase in zip([None, *told], told, strict=False) if phase != before]

    def lit(self, light: str) -> float:
        """How much of the time the LED was lit while the speaker showed this light."""
        lit, looks = self.led[light]
        return lit / looks

    def sound_seconds(self, since: float = 0, until: float = float("inf")) -> float:
        """Seconds of sound that the speaker played."""
        return 0.01 * sum(rms > QUIET_RMS for when, rms in self.sound if since <= when < until)

    def silent_from(self, since: float) -> float:
        """When the last sound that went on at `since` was over: followed by 200 ms of silence."""
        last = since
        for when, rms in self.sound:
            if when > since and rms > QUIET_RMS:
                if when - last > 0.2:
                    break
                last = when
        return last


@dataclass(frozen=True)
class Speaker:
    """The installed service."""

    machine: Machine

    def act(self, *steps: Sequence[Any], timeout_seconds: float = 120) -> Scene:
        """Play a scene to its end; fails with what was told if a step could not be done.

        This machine's clock stands still now and then, and its card loses sound. A scene that fails for a word that was
        lost so is played again, as somebody who is not understood says it again.
        """
        performance = f"/opt/payload/scene.py {shlex.quote(json.dumps(steps))} 2>/run/scene.err"
        command = f"{performance} || {{ cat /run/scene.err; exit 1; }}"
        for _ in range(MOST_TAKES):
            scene = Scene(**json.loads(self.machine.run(command, timeout_seconds)))
            if not (scene.problem and scene.lost > 0):
                break
            print(f"\nthe card lost sound {scene.lost} times: {scene.problem}")  # noqa: T201 - a figure
            self.until(60, lambda: self.is_hearing() and self.status()["phase"] == "idle")
        assert not scene.problem, f"{scene.problem}; events: {scene.events}\n{self.journal()[-2000:]}"
        return scene

    def property(self, name: str) -> str:
        """What systemd knows of the service."""
        return self.machine.run(f"systemctl show --property {name} --value speakerd")

    def is_hearing(self) -> bool:
        """Whether it runs and the wake word gets sound."""
        code, answer = self.machine.attempt("/opt/payload/ask.py status 1")
        age_seconds = json.loads(answer).get("mic_frame_age_seconds") if code == 0 else None
        return age_seconds is not None and age_seconds < 1 and self.is_active()

    def restart(self) -> None:
        """Start it anew, whatever befell it."""
        self.machine.attempt("systemctl reset-failed speakerd")
        self.machine.run(RESTART, 120)

    def is_active(self) -> bool:
        """Whether systemd calls it active."""
        return self.machine.attempt("systemctl is-active speakerd")[1] == "active"

    def status(self) -> dict[str, Any]:
        """What the speaker tells of itself."""
        answer: dict[str, Any] = json.loads(self.machine.run("/opt/payload/ask.py status 1"))
        return answer

    def scores(self) -> dict[str, Any]:
        """What the wake word heard in a frame."""
        answer: dict[str, Any] = json.loads(self.machine.run("/opt/payload/ask.py scores 2"))
        return answer

    def likeness(self, sentence: str) -> float:
        """How well the last scene's recording holds a sentence in the speaker's own voice, from 0 to 1."""
        return float(self.machine.run(f"/opt/payload/likeness.py {shlex.quote(sentence)}"))

    def until(self, seconds: float, happened: Callable[[], bool]) -> float:
        """Seconds until something is so; raises MachineError with the journal if it takes longer than allowed."""
        seconds *= SLOWNESS
        begun = time.monotonic()
        while not happened():
            if time.monotonic() - begun > seconds:
                raise MachineError(f"It took longer than {seconds} s.\n{self.journal()[-3000:]}")
            time.sleep(0.05)
        return time.monotonic() - begun

    def journal(self, since: str = "") -> str:
        """The service's lines, from a cursor on."""
        after = f"--after-cursor={shlex.quote(since)}" if since else ""
        return self.machine.run(f"journalctl --unit speakerd --output cat --no-pager {after}")

    def cursor(self) -> str:
        """The journal's end, now."""
        line = self.machine.run("journalctl --sync; journalctl --lines 1 --show-cursor --no-pager | tail -1")
        return line.partition("cursor: ")[2]

    def capture(self) -> str:
        """State of the card's capture stream, as the kernel tells: such as RUNNING or closed."""
        return self.machine.run("cat /proc/asound/Loopback/pcm0c/sub0/status | head -1").removeprefix("state: ")

    @contextmanager
    def settings(self, command: str) -> Iterator[None]:
        """Settings that a command makes of the present ones, for a while; the service is restarted by nobody."""
        self.machine.run(f"cp -p {SETTINGS} /run/kept.toml; ({command}) </run/kept.toml >{SETTINGS}")
        try:
            yield
        finally:
            self.machine.run(f"cp -p /run/kept.toml {SETTINGS}")


def install(machine: Machine, *options: str) -> str:
    """Install from the payload alone, and return what was printed."""
    given = "--wheelhouse /opt/payload/wheels --models /opt/payload/models --yes"
    told = machine.run(f"/opt/payload/scripts/install {given} {' '.join(options)}", 300)
    # What a person sets who has this board and this card.
    choices = {"board": '"breadboard"', "input": '"CARD=Loopback"', "output": '"CARD=Loopback"', "demo_home": "true"}
    edits = "; ".join(f"s/^{name} = .*/{name} = {value}/" for name, value in choices.items())
    machine.run(f"sed -i {shlex.quote(edits)} {SETTINGS}")
    if "--no-start" not in options:
        machine.run(RESTART, 120)
    return told


def uninstall(machine: Machine) -> str:
    """Take it all away, and return what was printed."""
    return machine.run("/opt/payload/scripts/uninstall --purge", 120)
