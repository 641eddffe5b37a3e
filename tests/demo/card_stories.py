"""Stories of real PyAudio on the fake card, each in a process of its own: PortAudio reads its configuration only once.

A run with an xrun was disturbed by a busy machine and proves nothing: it is repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from sound_cards import MOST_TRIES
from speakerd.demo.card import FakeCard

_OPENING = """
import json, sys, time
from pathlib import Path
import pyaudio
audio = pyaudio.PyAudio()
names = [audio.get_device_info_by_index(i)["name"] for i in range(audio.get_device_count())]
def open_stream(rate=48000, channels=2, name="fakecard", **direction):
    index = names.index(name)
    return audio.open(rate, channels, pyaudio.paInt16, frames_per_buffer=1920, input_device_index=index,
                      output_device_index=index, **direction)
"""


def run_story(card: FakeCard | Mapping[str, str], story: str, *arguments: str) -> dict[str, object]:
    """What a story printed as its last line, in JSON, on a card or in an environment that shows several."""
    shown = card.environment if isinstance(card, FakeCard) else card
    environment = {**os.environ, **shown}
    command = [sys.executable, "-W", "ignore", "-c", _OPENING + story, *arguments]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    report: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return report


def undisturbed(make_card: Callable[[], FakeCard], story: Callable[[FakeCard], None]) -> FakeCard:
    """The card on which the story ran without an xrun; a failure counts only there."""
    for _ in range(MOST_TRIES - 1):
        card = make_card()
        try:
            story(card)
        except AssertionError:
            if not card.faults():
                raise
        if not card.faults():
            return card
    card = make_card()
    story(card)
    return card


PLAY = """
stream = open_stream(output=True)
pcm = Path(sys.argv[1]).read_bytes()
for at in range(0, len(pcm), 7680):
    stream.write(pcm[at : at + 7680])
stream.stop_stream()
stream.close()
print(json.dumps({"names": names}))
"""

RECORD = """
stream = open_stream(input=True)
pcm = b"".join(stream.read(480, exception_on_overflow=False) for _ in range(int(sys.argv[2])))
stream.close()
Path(sys.argv[1]).write_bytes(pcm)
print(json.dumps({}))
"""


def ramp(frames: int, channels: int) -> NDArray[np.int16]:
    """Sound of which no two neighbouring frames are alike, and none is silent."""
    return (np.arange(1, frames * channels + 1) % 32000 + 1).astype(np.int16).reshape(frames, channels)


def log_seconds(line: str) -> float:
    return float(line.split()[0])


def start_frame(card: FakeCard, name: str, which: int = 0) -> int:
    starts = [line for line in card.log(name) if " START " in line]
    return int(starts[which].partition("frame=")[2])
