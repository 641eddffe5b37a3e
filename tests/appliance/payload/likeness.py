#!/opt/speakerd/bin/python
"""How much of the last scene's recording is this sentence in the speaker's own voice: a correlation from 0 to 1."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from speakerd.audio.pcm import SESSION_RATE_HZ, samples_of
from speakerd.audio.resample import resampled
from speakerd.offline.speaking import voice
from speakerd.settings import OfflineSettings

RATE_HZ = 16_000

spoken = samples_of(b"".join(voice(OfflineSettings()).speak(sys.argv[1])))
wanted = resampled(spoken, SESSION_RATE_HZ, RATE_HZ).astype(float)
wanted = wanted[np.flatnonzero(np.abs(wanted) > 100)[0] :][:RATE_HZ]
heard = np.frombuffer(Path("/run/scene.raw").read_bytes(), np.int16).astype(float)
size = 1 << (len(heard) + len(wanted)).bit_length()
products = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size)), size)[: len(heard) - len(wanted)]
sums = np.concatenate([[0.0], np.cumsum(heard**2)])
energy = (sums[len(wanted) :] - sums[: -len(wanted)])[: len(products)]
likeness = np.max(products / np.sqrt(np.maximum(energy, 1e6) * np.sum(wanted**2)))
sys.stdout.write(f"{likeness:.3f}\n")
