from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speakerd.demo.user_voice import synthesise
from speakerd.errors import SpeechError


def test_the_user_speaks_for_as_long_as_the_words_take() -> None:
    short, rate_hz = synthesise("hey jarvis")
    long, _ = synthesise("hey jarvis, turn on the kitchen light and tell me what time it is")
    assert (rate_hz, short.dtype.name, short.ndim) == (16000, "int16", 1)
    assert 0.5 < len(short) / rate_hz < 2 < len(long) / rate_hz < 6
    assert np.abs(long).max() > 5000


def test_text_is_never_read_as_an_option_or_a_file_name(tmp_path: Path) -> None:
    for text in ("-lv", str(tmp_path / "words"), "/etc/hostname"):
        assert len(synthesise(text)[0]) > 5000


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(SpeechError, match=r'no voice "nobody": use one of .*slt'):
        synthesise("hello", voice="nobody")


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SpeechError, match="apt install flite"):
        synthesise("hello")
