"""The echo room around fake cards in real time; what is played, real PyAudio plays."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from card_stories import PLAY, RECORD, log_seconds, run_story, start_frame
from sound_cards import MOST_TRIES
from speakerd.demo.acoustics import RoomSettings
from speakerd.demo.acoustics_cards import CardSide, Loudspeaker, Microphone, mic_side, speaker_side
from speakerd.demo.acoustics_filters import active_rms
from speakerd.demo.acoustics_room import EchoRoom
from speakerd.demo.card import FakeCard
from speakerd.errors import AudioDeviceError

QUIET = RoomSettings(noise_dbfs=None, delay_ms=200)
"""Nearer by, a busy machine is late for the echo."""


def noise_file(folder: Path, seconds: float) -> str:
    """Two channels of noise, then silence, as PortAudio throws the last buffers away."""
    mono = np.random.default_rng(1).normal(0, 2000, round(seconds * 48_000)).astype(np.int16)
    (folder / "sound").write_bytes(np.repeat(mono, 2).tobytes() + bytes(7680 * 4))
    return str(folder / "sound")


def is_clear(room: EchoRoom, card: FakeCard) -> bool:
    return not room.report().late_frames and not card.faults()


def clear_run(story: Callable[[], bool]) -> None:
    """Tell a story until nothing was late in it; where something was, it looks no closer and returns False."""
    assert any(story() for _ in range(MOST_TRIES)), "The machine was too busy for real-time sound."


def microphone(card: FakeCard) -> NDArray[Any]:
    return np.fromfile(card.folder / "mic.raw", card.dtype).reshape(-1, card.mic_channels)


def delay_ms(mic_card: FakeCard, speaker_card: FakeCard, after_seconds: float, run: int = 0) -> float:
    """The delay in real time of the echo that is heard so long after a run of the loudspeaker began."""
    mic, speaker = mic_side(mic_card), speaker_side(speaker_card)
    begun = [log_seconds(line) for line in speaker_card.log("speaker") if " START " in line][run]
    heard = speaker_card.heard()[start_frame(speaker_card, "speaker", run) :, 0]
    first = int(mic.frames(begun + after_seconds))
    seconds = np.array([mic.seconds(first + n) for n in range(9600)])
    expected = np.interp(seconds - QUIET.delay_ms / 1000, begun + np.arange(len(heard)) / speaker.true_hz, heard)
    got = microphone(mic_card)[first : first + 9600, 0]
    spectrum = np.fft.rfft(got, 32_768) * np.conj(np.fft.rfft(expected, 32_768))
    lag = int(np.argmax(np.fft.irfft(spectrum)))
    return QUIET.delay_ms + (lag if lag < 16_384 else lag - 32_768) / 48


def test_what_is_played_comes_back_after_the_delay_also_when_it_is_played_again(tmp_path: Path) -> None:
    sound = noise_file(tmp_path, 1)
    twice = PLAY.replace("print(", "stream = open_stream(output=True); stream.write(pcm); print(")

    def story() -> bool:
        card = FakeCard(tmp_path / "card")
        with EchoRoom(card, settings=QUIET) as room:
            run_story(card, twice, sound)
            if not is_clear(room, card):
                return False
            delays = [delay_ms(card, card, after, run) for after in (0.3, 0.7) for run in (0, 1)]
            assert delays == pytest.approx([QUIET.delay_ms] * 4, abs=0.1)
            heard = microphone(card)
            np.testing.assert_array_equal(heard[:, 0], heard[:, 1])
            return True

    clear_run(story)


def test_two_cards_keep_their_delay_while_their_clocks_drift_apart(tmp_path: Path) -> None:
    sound = noise_file(tmp_path, 1.2)

    def story() -> bool:
        speaker = FakeCard(tmp_path / "speaker", directions=["speaker"], ppm=4000, sample_format="S32_LE", channels=1)
        mic = FakeCard(tmp_path / "mic", name="usb-mic", directions=["mic"], ppm=-4000, mic_channels=6)
        with EchoRoom(mic, speaker, QUIET, channel=4) as room:
            run_story(speaker, PLAY.replace("output=True", "output=True, channels=1").replace("7680", "3840"), sound)
            if not is_clear(room, speaker):
                return False
            heard = microphone(mic)
            assert not np.delete(heard, 4, axis=1).any()
            np.roll(heard, -4, axis=1).tofile(mic.folder / "mic.raw")
            delays = [delay_ms(mic, speaker, after) for after in (0.5, 1.2, 2.1)]
            assert delays == pytest.approx([QUIET.delay_ms] * 3, abs=0.1)
            return True

    clear_run(story)


def test_a_jump_comes_when_it_was_announced(tmp_path: Path) -> None:
    sound = noise_file(tmp_path, 2.5)

    def story() -> bool:
        card = FakeCard(tmp_path / "card")
        begins = time.monotonic()
        with EchoRoom(card, settings=replace(QUIET, jump=(2.0, 40))) as room:
            began = time.monotonic()
            run_story(card, PLAY, sound)
            if not is_clear(room, card):
                return False
            played = next(log_seconds(line) for line in card.log("speaker") if " START " in line)
            assert delay_ms(card, card, begins + 1.7 - played) == pytest.approx(QUIET.delay_ms, abs=0.1)
            assert delay_ms(card, card, began + 2.1 - played) == pytest.approx(QUIET.delay_ms + 40, abs=0.1)
            return True

    clear_run(story)


def test_a_talker_is_heard_when_it_was_said_as_loud_as_asked(tmp_path: Path) -> None:
    speech = np.random.default_rng(2).normal(0, 500, 8000).astype(np.int16)

    def story() -> bool:
        card = FakeCard(tmp_path / "card")
        with EchoRoom(card, settings=QUIET) as room:
            now = time.monotonic()
            at = room.say(speech, 16_000, -30)
            side = mic_side(card)
            run_story(card, RECORD, str(tmp_path / "recording"), "110")
            if not is_clear(room, card):
                return False
            assert now < at < now + 1
            assert card.mic_frames() > side.frames(at + 1)
            heard = microphone(card)[:, 0]
            first = int(np.flatnonzero(heard)[0])
            assert first == pytest.approx(side.frames(at), abs=24)
            spoken = heard[first : first + 40_000] / 32_768
            assert 20 * np.log10(active_rms(spoken, 48_000)) == pytest.approx(-30, abs=0.3)
            return True

    clear_run(story)


def test_there_is_noise_in_the_room_from_the_first_frame_that_is_ahead(tmp_path: Path) -> None:
    def story() -> bool:
        card = FakeCard(tmp_path / "card")
        with EchoRoom(card, settings=RoomSettings(noise_dbfs=-50)) as room:
            begun = card.mic_position()
            run_story(card, RECORD, str(tmp_path / "recording"), "100")
            if not is_clear(room, card):
                return False
            heard = microphone(card)[begun + 4800 : begun + 48_000, 0] / 32_768
            assert 20 * np.log10(np.sqrt(np.mean(heard**2))) == pytest.approx(-50, abs=3)
            assert np.abs(heard.reshape(-1, 960)).max(axis=1).min() > 0
            return True

    clear_run(story)


DUPLEX = """
import threading
pcm, recording, done = Path(sys.argv[1]).read_bytes(), [], threading.Event()
def exchange(data, frames, times, status):
    recording.append(data)
    at = len(recording) * frames * 4
    if at > len(pcm) - frames * 4:
        done.set()
        return bytes(frames * 4), pyaudio.paContinue
    return pcm[at : at + frames * 4], pyaudio.paContinue
index = names.index("fakecard")
stream = audio.open(48000, 2, pyaudio.paInt16, input=True, output=True, input_device_index=index,
                    output_device_index=index, frames_per_buffer=480, stream_callback=exchange)
done.wait(20)
stream.close()
Path(sys.argv[2]).write_bytes(b"".join(recording))
print(json.dumps({}))
"""


def test_a_duplex_stream_records_the_echo_of_what_it_plays(tmp_path: Path) -> None:
    sound = noise_file(tmp_path, 1.5)

    def story() -> bool:
        card = FakeCard(tmp_path / "card")
        with EchoRoom(card, settings=QUIET) as room:
            run_story(card, DUPLEX, sound, str(tmp_path / "recording"))
            if not is_clear(room, card):
                return False
            recording = np.fromfile(tmp_path / "recording", np.int16).reshape(-1, 2)
            start = start_frame(card, "mic")
            assert np.abs(recording).max() > 1000
            np.testing.assert_array_equal(recording, microphone(card)[start : start + len(recording)])
            return True

    clear_run(story)


def test_a_room_whose_delay_cannot_be_kept_says_so(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    with EchoRoom(card, settings=RoomSettings(delay_ms=0)) as room:
        run_story(card, PLAY, noise_file(tmp_path, 0.5))
        report = room.report()
    assert report.late_frames > 0
    assert 0 < report.cpu_share < 1


def test_a_room_that_has_ended_says_so(tmp_path: Path) -> None:
    room = EchoRoom(FakeCard(tmp_path))
    room.close()
    with pytest.raises(AudioDeviceError, match="The echo room has ended"):
        room.report()
    room.close()


def test_a_room_needs_cards_of_a_fixed_rate(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fixed rate"):
        EchoRoom(FakeCard(tmp_path, rate_hz=0))


def side(folder: Path) -> CardSide:
    """A card that began at second 1000."""
    return CardSide(str(folder), 1000 * 10**9, 48_000, 0, 1, "S16_LE")


def played(folder: Path, line: str, frames: int) -> None:
    with (folder / "speaker.log").open("a") as log:
        log.write(line + "\n")
    with (folder / "speaker.raw").open("ab") as sound:
        sound.write(np.full(frames, 16_384, np.int16).tobytes())


def test_what_was_played_lies_at_its_time_and_what_came_too_late_is_counted(tmp_path: Path) -> None:
    loudspeaker = Loudspeaker(side(tmp_path), 48_000)
    loudspeaker.look(1002.0)
    assert loudspeaker.known_until == pytest.approx(2 * 48_000, abs=480)
    played(tmp_path, "1001.010000000 START frame=0", 1000)
    loudspeaker.look(1002.0)
    assert loudspeaker.known_until == 48_480 + 1000  # a running stream is known no further than it has come
    frame = loudspeaker.take(960)
    assert not frame[:480].any()
    assert (frame[480:] == 0.5).all()
    assert loudspeaker.late_frames == 0
    loudspeaker.take(960)  # nobody could wait any longer
    played(tmp_path, "1001.030000000 STOP hw=1500 appl=1500", 500)
    played(tmp_path, "1001.050000000 START frame=1500", 10)
    loudspeaker.look(1002.0)
    assert loudspeaker.late_frames == 48_000 + 1920 - (48_480 + 1000)
    frame = loudspeaker.take(960)
    assert np.flatnonzero(frame).tolist() == [*range(60), *range(480, 490)]
    loudspeaker.close()


def test_what_the_microphone_has_passed_is_counted(tmp_path: Path) -> None:
    (tmp_path / "mic.raw").touch()
    ears = Microphone(side(tmp_path), None)
    for start, now, late in ((48_000, 1000.9, 0), (48_000, 1001.01, 480), (48_000, 1003.0, 480 + 960)):
        ears.count_late(start, 960, now)
        assert ears.late_frames == pytest.approx(late, abs=1)
    ears.close()
