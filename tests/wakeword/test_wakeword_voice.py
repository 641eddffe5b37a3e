from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.errors import ModelError
from speakerd.wakeword.detection import VOICE_SAMPLES
from speakerd.wakeword.engine import FRAME_SAMPLES
from speakerd.wakeword.voice import WebRtcVoiceGate
from wakeword_sounds import Sound, frames, pause, room, said

SETTLING_SECONDS = 2.0
LOOKED_BACK_FRAMES = VOICE_SAMPLES // FRAME_SAMPLES


def verdicts(sound: Sound, gate: WebRtcVoiceGate | None = None) -> list[bool]:
    """For each frame whether it may hold a voice."""
    gate = gate or WebRtcVoiceGate()
    return [gate.is_voice(frame) for frame, _ in frames(sound)]


def settled_frames(seconds: float) -> int:
    return round(seconds * 16_000) // FRAME_SAMPLES


@pytest.mark.parametrize(("noise", "most_frames"), [(0, 0), (1, 0), (30, 0), (300, 3)])
def test_an_empty_room_is_no_voice(noise: float, most_frames: int) -> None:
    voiced = verdicts(room(pause(SETTLING_SECONDS + 6), noise=noise))
    assert sum(voiced[settled_frames(SETTLING_SECONDS) :]) <= most_frames


@pytest.mark.parametrize("noise", [30, 300])
@pytest.mark.parametrize("voice", ["slt", "kal16", "rms", "awb"])
@pytest.mark.parametrize("text", ["hey jarvis", "alexa"])
def test_no_word_is_missed_at_its_end(text: str, voice: str, noise: float) -> None:
    quiet = (said(text, voice) // 4).astype(np.int16)
    lead = pause(SETTLING_SECONDS + 1)
    voiced = verdicts(room(lead, quiet, noise=noise))
    assert any(voiced[-LOOKED_BACK_FRAMES:])
    assert sum(voiced[settled_frames(SETTLING_SECONDS) : settled_frames(SETTLING_SECONDS + 0.9)]) == 0


def test_everything_counts_until_the_room_is_known_and_again_after_rearm() -> None:
    gate = WebRtcVoiceGate()
    settling = settled_frames(SETTLING_SECONDS)
    silence = room(pause(SETTLING_SECONDS + 2))
    for _ in range(2):
        assert verdicts(silence, gate) == [True] * settling + [False] * (len(silence) // FRAME_SAMPLES - settling)
        gate.rearm()


def test_rearm_forgets_the_voice_before_it() -> None:
    gate = WebRtcVoiceGate()
    sound = room(pause(2.5), said("hey jarvis"), pause(1), noise=100)
    verdicts(room(said("turn on the kitchen light", "rms"), noise=1000), gate)
    gate.rearm()
    assert verdicts(sound, gate) == verdicts(sound)


@pytest.mark.parametrize("frame", [np.zeros(1280, np.float32), np.zeros(1279, np.int16), np.zeros((1280, 1), np.int16)])
def test_any_other_array_is_refused(frame: NDArray[np.int16]) -> None:
    with pytest.raises(ValueError, match=r"a frame is int16\[1280\]"):
        WebRtcVoiceGate().is_voice(frame)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webrtcvad", None)
    with pytest.raises(ModelError, match=r"^the voice gate cannot be imported \(.+\): install speakerd\[voice\]\.$"):
        WebRtcVoiceGate()


def test_the_package_is_imported_only_for_a_gate() -> None:
    script = "import sys, speakerd.wakeword.voice\nsys.exit('webrtcvad' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
