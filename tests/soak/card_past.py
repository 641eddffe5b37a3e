"""Keeps the files of a fake card small over hours."""

from __future__ import annotations

import ctypes

from speakerd.demo.card import FakeCard

_KEPT_SECONDS = 20
_KEEP_SIZE_AND_PUNCH = 3


def forget_past(card: FakeCard) -> None:
    """Give back the space of what the card's files hold of the past; their lengths and places stay as they are."""
    libc = ctypes.CDLL(None, use_errno=True)
    frame_bytes = 2 * card.channels
    for name, frames in (("speaker", card.speaker_frames()), ("mic", card.mic_position())):
        length = (frames - _KEPT_SECONDS * card.rate_hz) * frame_bytes // 4096 * 4096
        if length <= 0:
            continue
        with (card.folder / f"{name}.raw").open("r+b") as file:
            arguments = (ctypes.c_int(_KEEP_SIZE_AND_PUNCH), ctypes.c_int64(0), ctypes.c_int64(length))
            if libc.fallocate(file.fileno(), *arguments):
                raise OSError(ctypes.get_errno(), f"the past of {file.name} cannot be cut out of it")
