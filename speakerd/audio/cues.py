"""The speaker's own short sounds, synthesised, pure: mono int16 at 24 kHz, gentle enough for the night."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speakerd.audio.pcm import SESSION_RATE_HZ, samples_in, to_int16
from speakerd.core.cues import Cue

_C4, _E4, _G4, _A4, _C5, _E5, _G5, _A5 = 261.6, 329.6, 392.0, 440.0, 523.3, 659.3, 784.0, 880.0
"""Hz."""
_REST = 0.0
_LOUDNESS = 0.25
_RELEASE_MS = 15

_MELODIES: dict[Cue, tuple[tuple[float, int], ...]] = {
    # Each melody is (Hz, ms); faults fall, what is done rises, and no two have the same notes.
    Cue.ACTIVATED: ((_C5, 90), (_G5, 130)),
    Cue.END_OF_LISTENING: ((_G5, 90), (_C5, 130)),
    Cue.MUTED: ((_G4, 110), (_C4, 150)),
    Cue.UNMUTED: ((_C4, 110), (_G4, 150)),
    Cue.NO_NETWORK: ((_A4, 120), (_REST, 40), (_A4, 120), (_E4, 180)),
    Cue.BAD_KEY: ((_E4, 90), (_REST, 30), (_E4, 90), (_REST, 30), (_E4, 140)),
    Cue.NO_CREDIT: ((_C5, 110), (_A4, 110), (_E4, 110), (_C4, 150)),
    Cue.OVER_BUDGET: ((_E5, 110), (_C5, 110), (_A4, 110), (_E4, 150)),
    Cue.REFUSED: ((_E5, 120), (_C4, 220)),
    Cue.SERVER_ERROR: ((_C4, 160), (_REST, 40), (_C4, 220)),
    Cue.NO_ANSWER: ((_C5, 120), (_G4, 120), (_C5, 180)),
    Cue.CLOCK_NOT_SET: ((_C5, 100), (_REST, 40), (_C5, 100), (_G4, 180)),
    Cue.NO_MICROPHONE: ((_E4, 110), (_REST, 40), (_C4, 110), (_REST, 40), (_C4, 180)),
    Cue.CONFIRM: ((_G4, 90), (_C5, 90), (_G5, 140)),
    Cue.WAITING: ((_G4, 60), (_REST, 90), (_G4, 60)),
    Cue.DONE: ((_G4, 80), (_C5, 160)),
    Cue.FAILED: ((_G4, 100), (_E4, 100), (_C4, 160)),
}
_RINGING = (*((_E5, 120), (_G5, 120), (_A5, 160), (_REST, 100)) * 2, (_REST, 1000))


def cue_samples(cue: Cue) -> NDArray[np.int16]:
    """The sound of a cue, 200 to 500 ms."""
    return _melody(_MELODIES[cue])


def ringing_samples() -> NDArray[np.int16]:
    """One round of the ringing, 2 s with its rest; meant to be repeated."""
    return _melody(_RINGING)


def _melody(notes: tuple[tuple[float, int], ...]) -> NDArray[np.int16]:
    return np.concatenate([_note(hz, ms) for hz, ms in notes])


def _note(hz: float, ms: int) -> NDArray[np.int16]:
    """A soft bell: two partials under an envelope that begins and ends at zero."""
    count = samples_in(ms, SESSION_RATE_HZ)
    seconds = np.arange(count) / SESSION_RATE_HZ
    tone = np.sin(2 * np.pi * hz * seconds) + 0.25 * np.sin(4 * np.pi * hz * seconds)
    edge = samples_in(_RELEASE_MS, SESSION_RATE_HZ)
    envelope = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / edge)
    return to_int16(_LOUDNESS * tone * envelope * np.exp(-4 * seconds))
