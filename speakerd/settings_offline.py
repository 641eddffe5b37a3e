"""The settings of the assistant on the device, whose process needs no others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OfflineSettings:
    """The assistant on the device."""

    voice: str = "en-gb"
    """Voice of espeak-ng, or the path of a piper voice (.onnx) where the program piper is installed."""
    words_per_minute: int = 165
    """How fast espeak-ng speaks."""
    silence_ms: int = 700
    """Silence that ends an utterance."""
