"""A virtual day of the speaker in some four minutes: people talk to it, interrupt it, and something breaks every day.

Every scene begins and ends with a speaker at rest. Faults come in turn, a different one each day.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from soak.card_past import forget_past
from soak.daemon_watch import asked
from soak.daemon_world import World
from speakerd.demo.card import Direction, Style

Scene = Callable[[World], None]

_ANSWER_SECONDS = 20.0
_INTO_AN_ANSWER_SECONDS = 3.0
_QUIET_SECONDS = 3.0
_STOPPED_SECONDS = 3.0
_AWAY_SECONDS = 4.0
_RECOVERY_SECONDS = 20.0
_TIMER_SECONDS = 10
_NIGHT_SECONDS = 20.0
_BREATH_SECONDS = 1.5


def day(world: World) -> None:
    """Live through one day."""
    world.day += 1
    fault = FAULTS[(world.day - 1) % len(FAULTS)]
    for scene in (morning, interrupted_by_voice, interrupted_by_button, timer, written_question, muted, fault, night):
        if world.watch.is_over():
            return
        scene(world)
        world.rest()
        time.sleep(_BREATH_SECONDS)
        forget_past(world.card)
    world.look_at_watchdog()


def morning(world: World) -> None:
    """A command, and a follow-up in the same conversation."""
    if not _told(world, "turn on the kitchen light", tool="set_light"):
        return
    mark = world.watch.mark()
    world.watch.sees(mark, _ANSWER_SECONDS, phase="listening")
    mark = world.watch.mark()
    time.sleep(_BREATH_SECONDS)
    world.say("turn off the kitchen light")
    if not world.watch.sees(mark, _ANSWER_SECONDS, phase="speaking"):
        world.tally.counts["misunderstood"] += 1


def interrupted_by_voice(world: World) -> None:
    """A long answer, over which somebody says the wake word."""
    if not _long_answer(world, "tell me a story"):
        return
    world.wake()
    world.tally.counts["interruptions"] += 1


def interrupted_by_button(world: World) -> None:
    """A long answer that a press ends at once."""
    if not _long_answer(world, "how does a rainbow form"):
        return
    mark = world.watch.mark()
    world.press("action")
    if not world.watch.sees(mark, _BREATH_SECONDS, phase="listening"):
        world.trouble(f"A press did not interrupt an answer: {dict(world.watch.now)}.")
    world.tally.counts["interruptions"] += 1


def timer(world: World) -> None:
    """A timer that rings until the button is pressed."""
    if not _told(world, f"set a timer for {_SPOKEN[_TIMER_SECONDS]} seconds", tool="set_timer"):
        return
    mark = world.watch.mark()
    if not world.watch.sees(mark, _TIMER_SECONDS + _ANSWER_SECONDS, light="ringing"):
        world.trouble("A timer did not ring.")
        return
    time.sleep(_BREATH_SECONDS)
    mark = world.watch.mark()
    world.press("action")
    if not world.watch.sees(mark, _BREATH_SECONDS, ringing=False):
        world.trouble("A press did not silence the timer.")
    world.tally.counts["timers"] += 1


def written_question(world: World) -> None:
    """A question over the control socket, answered in writing."""
    answers = asked(world.daemon.control, {"do": "ask", "text": "turn on the kitchen light", "aloud": False})
    if not any(answer.get("event") == "transcript" for answer in answers):
        world.trouble(f"A written question was not answered: {answers[-1]}.")
    world.tally.counts["questions"] += 1


def muted(world: World) -> None:
    """A closed microphone, which hears nothing, and an open one that does."""
    mark = world.watch.mark()
    world.press("mute")
    if not world.watch.sees(mark, _ANSWER_SECONDS, muted=True):
        world.trouble("A press did not mute.")
        return
    mark = world.watch.mark()
    time.sleep(world.say("hey jarvis, turn on the kitchen light") + _QUIET_SECONDS)
    if world.watch.since(mark, phase="listening"):
        world.trouble("It heard the wake word while it was muted.")
    world.press("mute")
    world.tally.counts["mutes"] += 1


def night(world: World) -> None:
    """Nobody speaks."""
    mark = world.watch.mark()
    time.sleep(_NIGHT_SECONDS)
    if world.watch.since(mark, phase="listening"):
        world.tally.counts["false_wakes"] += 1


def _unplug(style: Style) -> Scene:
    def scene(world: World) -> None:
        """The card is pulled in the middle of an answer."""
        _long_answer(world, "tell me a story")
        mark = world.watch.mark()
        world.card.unplug(style=style)
        if not world.watch.sees(mark, _RECOVERY_SECONDS, light="no sound"):
            world.trouble(f"A pulled card ({style}) was not shown.")
        time.sleep(_AWAY_SECONDS)
        world.card.plug()
        _works_again(world, f"a card that was pulled ({style})")

    return scene


def _xruns(world: World) -> None:
    """Sound is lost in both directions."""
    _long_answer(world, "tell me a story")
    directions: tuple[Direction, ...] = ("speaker", "mic")
    for direction in directions:
        world.card.disturb(direction)
        time.sleep(_BREATH_SECONDS)
    world.press("action")
    _works_again(world, "lost sound")


def _killed(name: str) -> Scene:
    def scene(world: World) -> None:
        """A process of the daemon's dies in the middle of an answer."""
        _long_answer(world, "how does a rainbow form")
        world.signal(name, signal.SIGKILL)
        time.sleep(_AWAY_SECONDS)
        _works_again(world, f"the end of the {name}'s process")

    return scene


def _stopped(name: str) -> Scene:
    def scene(world: World) -> None:
        """A process stands still for a while."""
        world.signal(name, signal.SIGSTOP)
        time.sleep(_STOPPED_SECONDS)
        world.go_on()
        time.sleep(_AWAY_SECONDS)
        _works_again(world, f"the {name}'s standing still")

    return scene


FAULTS: tuple[Scene, ...] = (
    _unplug("pollerr"),
    _xruns,
    _killed("assistant"),
    _stopped("daemon"),
    _killed("card"),
    _unplug("enodev"),
    _stopped("card"),
    _unplug("hang"),
    _stopped("assistant"),
)
_SPOKEN = {10: "ten"}


def _told(world: World, command: str, tool: str) -> bool:
    """Give a command with the wake word; whether its tool was called, at the second try at the latest."""
    for _ in range(2):
        mark = world.watch.mark()
        if not world.wake(command):
            return False
        if world.watch.sees(mark, _ANSWER_SECONDS, event="tool", name=tool):
            return True
        world.tally.counts["misunderstood"] += 1
        world.rest()
    world.trouble(f'"{command}" was not understood twice.')
    return False


def _long_answer(world: World, question: str) -> bool:
    """Ask for a long answer and listen to its beginning; whether there is one, at the second try at the latest."""
    for _ in range(2):
        mark = world.watch.mark()
        if not world.wake(question):
            return False
        if world.watch.sees(mark, _ANSWER_SECONDS, phase="speaking"):
            mark = world.watch.mark()
            time.sleep(_INTO_AN_ANSWER_SECONDS)
            # A wake word that was heard late, and was said again, has interrupted an answer already.
            if world.watch.now["phase"] == "speaking" and not world.watch.since(mark, phase="listening"):
                return True
        world.tally.counts["misunderstood"] += 1
        world.rest()
    world.trouble(f'"{question}" was not understood twice.')
    return False


def _works_again(world: World, after: str) -> None:
    """It must be at rest and hear a command once the fault is over."""
    world.tally.counts["faults"] += 1
    world.rest()
    time.sleep(_BREATH_SECONDS)
    if not _told(world, "turn on the kitchen light", tool="set_light"):
        world.trouble(f"It did not work after {after}.")
