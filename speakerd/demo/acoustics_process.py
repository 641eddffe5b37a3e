"""The echo room's own process: joins the acoustics to fake cards in real time, about 60 ms ahead of the microphone.

Started by acoustics_room.py with its settings as JSON; commands come as lines of JSON on stdin, answers on stdout.
"""

from __future__ import annotations

import base64
import json
import math
import queue
import sys
import threading
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speakerd.demo.acoustics import Acoustics, Noise, RoomSettings, spoken
from speakerd.demo.acoustics_cards import CardSide, Loudspeaker, Microphone
from speakerd.demo.acoustics_filters import Interpolator, Signal

_LEAD_SECONDS = 0.06
_DEADLINE_SECONDS = 0.008
"""So long before the microphone hears a frame it is made of what is known."""
_RETRY_SECONDS = 0.004
_FRAME_SECONDS = 0.02


@dataclass(slots=True)
class _Speech:
    sound: Signal
    began: queue.SimpleQueue[int]
    start: int = -1


class EchoLoop:
    """The room's way from one card to the other, a frame of 20 ms at a time."""

    def __init__(self, mic: CardSide, speaker: CardSide, settings: RoomSettings, channel: int | None) -> None:
        self._mic_side, self._speaker_side = mic, speaker
        self._settings = settings
        self._frame = mic.rate_hz // 50
        self._acoustics = Acoustics(settings, speaker.rate_hz)
        self._interpolator = Interpolator(speaker.rate_hz, mic.rate_hz)
        self._noise = Noise(settings, mic.rate_hz)
        step = speaker.true_hz / mic.true_hz
        self._steps: NDArray[np.float64] = np.arange(self._frame, dtype=np.float64) * step
        self._speeches: list[_Speech] = []
        self._new_speeches: queue.SimpleQueue[_Speech] = queue.SimpleQueue()
        self._begun = time.monotonic()
        self._next = math.ceil(mic.frames(self._begun + _LEAD_SECONDS))
        # Whole echo frames end where a frame of the microphone needs them to, as long as the clocks agree.
        needed = self._needed_until(self._places(self._next))
        history = math.ceil((abs(settings.jump[1]) if settings.jump else 0) / 20) + 2
        self._echo_from = self._echo_until = needed - history * self._acoustics.frame
        self._echo = np.zeros(0, np.float32)
        self._microphone = Microphone(mic, channel)
        self._loudspeaker = Loudspeaker(speaker, self._echo_from)
        self._loudspeaker.look(self._begun)
        self._loudspeaker.late_frames = 0  # what was played before there was a room

    def say(self, sound: Signal) -> float:
        """Mix near-end speech in from the next frame on: the monotonic second of its first sample."""
        speech = _Speech(sound, queue.SimpleQueue())
        self._new_speeches.put(speech)
        return self._mic_side.seconds(speech.began.get())

    def report(self) -> dict[str, float]:
        """How the room has done so far."""
        late = self._microphone.late_frames + self._loudspeaker.late_frames
        return {"late_frames": late, "seconds": time.monotonic() - self._begun, "cpu_seconds": time.process_time()}

    def step(self) -> float:
        """Make all frames that can be made now; returns the seconds until it is worth trying again."""
        now = time.monotonic()
        self._loudspeaker.look(now)
        while True:
            due = self._mic_side.seconds(self._next) + _FRAME_SECONDS - _LEAD_SECONDS
            if now < due:
                return due - now
            places = self._places(self._next)
            if not self._make_echo(self._needed_until(places), now):
                return _RETRY_SECONDS
            self._put_frame(places)
            now = time.monotonic()
            self._microphone.count_late(self._next, self._frame, now)
            self._next += self._frame

    def _places(self, start: int) -> NDArray[np.float64]:
        """Where on the loudspeaker's clock the echo in the microphone's frame from `start` on comes from."""
        begins_at = self._mic_side.seconds(float(start))
        delay_seconds = self._settings.delay_seconds(begins_at - self._begun)
        return self._speaker_side.frames(begins_at - delay_seconds) + self._steps

    def _needed_until(self, places: NDArray[np.float64]) -> int:
        return math.ceil(float(places[-1])) + self._interpolator.reach + 1

    def _make_echo(self, needed: int, now: float) -> bool:
        must = now >= self._mic_side.seconds(self._next) - _DEADLINE_SECONDS
        while self._echo_until < needed:
            until = self._echo_until + self._acoustics.frame
            if until > self._loudspeaker.known_until and not must:
                return False
            echo = self._acoustics.echo(self._loudspeaker.take(self._acoustics.frame))
            self._echo = np.concatenate((self._echo, echo))
            self._echo_until = until
        return True

    def _put_frame(self, places: NDArray[np.float64]) -> None:
        sound = self._noise.next(self._frame)
        if self._echo.any():
            sound += self._interpolator.read(self._echo, places - self._echo_from)
        self._mix_speech(sound)
        self._microphone.put(self._next, sound)
        self._forget(int(places[0]) - self._echo_from)

    def _forget(self, place: int) -> None:
        """Drop the echo that is older than the oldest that may be needed."""
        keep = self._speaker_side.rate_hz // 50
        if self._settings.jump:
            keep += round(abs(self._settings.jump[1]) / 1000 * self._speaker_side.rate_hz)
        old = max(0, place - self._interpolator.reach - keep)
        self._echo = self._echo[old:]
        self._echo_from += old

    def _mix_speech(self, sound: Signal) -> None:
        while not self._new_speeches.empty():
            speech = self._new_speeches.get()
            speech.start = self._next
            self._speeches.append(speech)
            speech.began.put(self._next)
        for speech in self._speeches:
            piece = speech.sound[self._next - speech.start :][: self._frame]
            sound[: len(piece)] += piece
        self._speeches = [s for s in self._speeches if s.start + len(s.sound) > self._next + self._frame]


def main() -> None:
    """Run the room until stdin ends."""
    given = json.loads(sys.argv[1])
    settings = RoomSettings(**given["settings"])
    mic, speaker = CardSide(**given["mic"]), CardSide(**given["speaker"])
    loop = EchoLoop(mic, speaker, settings, given["channel"])
    ended = threading.Event()
    threading.Thread(target=_obey, args=(loop, settings, mic.rate_hz, ended), daemon=True).start()
    while not ended.is_set():
        time.sleep(loop.step())


def _obey(loop: EchoLoop, settings: RoomSettings, mic_hz: int, ended: threading.Event) -> None:
    """Beside the room, so that a long sentence does not hold it up."""
    _answer({"ready": True, "cpu_seconds": time.process_time()})
    for line in sys.stdin:
        command = json.loads(line)
        if "say" in command:
            pcm = np.frombuffer(base64.b64decode(command["say"]), np.int16)
            _answer({"at": loop.say(spoken(pcm, command["rate_hz"], command["level_dbfs"], settings, mic_hz))})
        else:
            _answer(loop.report())
    ended.set()


def _answer(answer: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
