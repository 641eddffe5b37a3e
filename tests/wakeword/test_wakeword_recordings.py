"""Any WAV becomes the frames that the ears hear."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speakerd.errors import RecordingError
from speakerd.wakeword.recordings import wav_files, wav_frames

_TYPES = {2: "<i2", 4: "<i4"}


def write(path: Path, sound: NDArray[np.float64], rate_hz: int = 16_000, sample_bytes: int = 2) -> Path:
    """Sound from -1 to 1, of shape (frames, channels)."""
    whole = np.round(sound * (2 ** (8 * min(sample_bytes, 4) - 1) - 1))
    pcm = (
        np.round(sound * (2**23 - 1)).astype("<i4").reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
        if sample_bytes == 3
        else whole.astype(_TYPES.get(sample_bytes, "u1")).tobytes()
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(sound.shape[1])
        file.setsampwidth(sample_bytes)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return path


def tone(seconds: float, rate_hz: int, channels: int = 1) -> NDArray[np.float64]:
    """440 Hz, half of full scale."""
    one = 0.5 * np.sin(2 * math.pi * 440 * np.arange(round(seconds * rate_hz)) / rate_hz)
    return np.repeat(one[:, None], channels, axis=1)


def heard(path: Path) -> NDArray[np.int16]:
    frames = list(wav_frames(path))
    assert {(frame.shape, frame.dtype) for frame in frames} == {((1280,), np.dtype(np.int16))}
    return np.concatenate(frames)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize(("sample_bytes", "channels"), [(2, 1), (2, 2), (3, 1), (3, 2), (4, 8)])
def test_the_sound_is_the_same_at_every_rate_width_and_count_of_channels(
    tmp_path: Path, rate_hz: int, sample_bytes: int, channels: int
) -> None:
    path = write(tmp_path / "a.wav", tone(0.5, rate_hz, channels), rate_hz, sample_bytes)
    got = heard(path)
    wanted = 32768 * tone(0.5, 16_000)[:, 0]
    inner = slice(800, 7200)  # the ends ring, as silence is around them
    assert np.abs(got[inner] - wanted[inner]).max() <= 3
    assert len(got) == math.ceil((8000 + 16_000) / 1280) * 1280
    assert np.abs(got[8400:].astype(int)).max() <= 1


def test_sound_at_the_right_rate_is_not_touched(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-32768, 32768, 40_000).astype(np.int16)
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(noise.tobytes())
    assert np.array_equal(heard(path)[: len(noise)], noise)


@pytest.mark.parametrize(
    ("rate_hz", "sample_bytes", "channels", "sentence"),
    [
        (16_000, 1, 1, "{path} has samples of 8 bits: convert it to 16, 24 or 32 bits."),
        (16_000, 2, 9, "{path} has 9 channels: convert it to 8 at most."),
        (7_999, 2, 1, "{path} has a rate of 7999 Hz: convert it to 16000 Hz."),
        (384_000, 2, 1, "{path} has a rate of 384000 Hz: convert it to 16000 Hz."),
        (191_999, 2, 1, "{path} has a rate of 191999 Hz: convert it to 16000 Hz."),
    ],
)
def test_what_cannot_be_used_is_one_sentence_with_the_file(
    tmp_path: Path, rate_hz: int, sample_bytes: int, channels: int, sentence: str
) -> None:
    path = write(tmp_path / "a.wav", np.zeros((100, channels)), rate_hz, sample_bytes)
    with pytest.raises(RecordingError) as raised:
        heard(path)
    assert str(raised.value) == sentence.format(path=path)


def test_no_wav_no_file_and_a_cut_header_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("RIFF, he said, and nothing else followed")
    (tmp_path / "empty.wav").touch()
    for name, sentence in (
        ("text.wav", "is no WAV file of whole-number PCM: convert it, as with `sox`."),
        ("empty.wav", "is no WAV file of whole-number PCM: convert it, as with `sox`."),
        ("absent.wav", "cannot be read (No such file or directory): check its name."),
    ):
        with pytest.raises(RecordingError) as raised:
            heard(tmp_path / name)
        assert str(raised.value) == f"{tmp_path / name} {sentence}"


def test_a_file_that_was_cut_off_is_heard_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(0.5, 16_000, 2))
    path.write_bytes(path.read_bytes()[:-4001])
    got = heard(path)
    assert np.abs(got[6990:7000]).max() > 0
    assert not got[7000:].any()


def test_a_folder_means_its_recordings(tmp_path: Path) -> None:
    for name in ("b.wav", "a.WAV", "notes.txt"):
        (tmp_path / name).touch()
    other = tmp_path / "else" / "c.raw"
    assert wav_files([tmp_path, other]) == [tmp_path / "a.WAV", tmp_path / "b.wav", other]
    (tmp_path / "void").mkdir()
    with pytest.raises(RecordingError, match=r"^There is no \.wav file in .*/void: name files, or another folder\.$"):
        wav_files([tmp_path / "void"])
