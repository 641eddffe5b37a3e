"""Cards of all kinds on real PyAudio: several at once, any channels, rates and formats, and one duplex stream."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from card_stories import log_seconds, ramp, run_story, start_frame, undisturbed
from speakerd.demo.card import FakeCard, sound_environment

BOTH = """
import threading
recording, done = [], threading.Event()
def hear(data, frames, times, status):
    recording.append(data)
    if len(recording) == 40:
        done.set()
    return None, pyaudio.paContinue
def play(data, frames, times, status):
    return bytes(range(1, 241)) * (frames // 60), pyaudio.paContinue
microphone = open_stream(name="usb-mic", channels=1, input=True, stream_callback=hear)
loudspeaker = open_stream(name="usb-speaker", output=True, stream_callback=play)
done.wait(20)
microphone.close()
loudspeaker.close()
Path(sys.argv[1]).write_bytes(b"".join(recording))
abilities = {d["name"]: [d["maxInputChannels"], d["maxOutputChannels"]]
             for d in map(audio.get_device_info_by_index, range(len(names)))}
print(json.dumps({"names": names, "abilities": abilities}))
"""


def test_two_usb_devices_are_seen_and_used_at_once_each_with_a_clock_of_its_own(tmp_path: Path) -> None:
    def story(mic: FakeCard) -> None:
        speaker = FakeCard(tmp_path / "speaker", name="usb-speaker", directions=["speaker"], ppm=-3000)
        start = mic.say(ramp(9600, 1)[:, 0], 48_000, lead_ms=1000)
        report: dict[str, Any] = run_story(sound_environment([mic, speaker]), BOTH, str(tmp_path / "recording"))
        assert report["names"] == ["usb-mic", "usb-speaker", "default"]
        assert report["abilities"]["usb-mic"] == [1, 0]
        assert report["abilities"]["usb-speaker"] == [0, 2]
        recording = np.fromfile(tmp_path / "recording", np.int16)
        at = start - start_frame(mic, "mic")
        np.testing.assert_array_equal(recording[at : at + 9600], ramp(9600, 1)[:, 0])
        for card, name in ((mic, "mic"), (speaker, "speaker")):
            [begun] = [log_seconds(line) for line in card.log(name) if " START " in line]
            stop = next(line for line in card.log(name) if " STOP " in line)
            frames = int(stop.split("hw=")[1].split()[0])
            assert frames == pytest.approx((log_seconds(stop) - begun) * 48_000 * (1 + card.ppm / 1e6), abs=480)

    undisturbed(lambda: FakeCard(tmp_path / "mic", name="usb-mic", directions=["mic"], mic_channels=1, ppm=3000), story)


def test_cards_that_are_seen_at_once_need_names_of_their_own(tmp_path: Path) -> None:
    cards = [FakeCard(tmp_path / name) for name in ("one", "two")]
    with pytest.raises(ValueError, match="names of their own"):
        sound_environment(cards)


NAMES = "print(json.dumps({'names': names, 'default': attempts()}))"
ATTEMPTS = """
def attempts():
    possible = []
    for direction in ("input", "output"):
        try:
            open_stream(name="default", **{direction: True}).close()
            possible.append(direction)
        except (OSError, ValueError):
            pass
    return possible
"""


@pytest.mark.parametrize(
    ("default", "possible"), [(None, ["input", "output"]), ("usb-mic", ["input"]), ("usb-speaker", ["output"])]
)
def test_the_default_device_is_the_chosen_card_or_what_there_is(
    tmp_path: Path, default: str | None, possible: list[str]
) -> None:
    mic = FakeCard(tmp_path / "mic", name="usb-mic", directions=["mic"])
    speaker = FakeCard(tmp_path / "speaker", name="usb-speaker", directions=["speaker"])
    chosen = {None: None, "usb-mic": mic, "usb-speaker": speaker}[default]
    report = run_story(sound_environment([mic, speaker], chosen), ATTEMPTS + NAMES)
    assert report == {"names": ["usb-mic", "usb-speaker", "default"], "default": possible}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "default"},
        {"name": "hw:0"},
        {"channels": 9},
        {"mic_channels": 0},
        {"rate_hz": 7999},
        {"rate_hz": 192_001},
        {"directions": []},
    ],
)
def test_a_card_that_cannot_be_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="fake card"):
        FakeCard(tmp_path, **wrong)


ALL_THAT_IT_HAS = """
rate, mic_channels, channels = map(int, sys.argv[3:6])
width = pyaudio.paInt32 if sys.argv[6] == "S32_LE" else pyaudio.paInt16
period = rate // 25
index = names.index("fakecard")
where = {"input_device_index": index, "output_device_index": index, "frames_per_buffer": period}
pcm = Path(sys.argv[1]).read_bytes()
loudspeaker = audio.open(rate, channels, width, output=True, **where)
step = period * channels * audio.get_sample_size(width)
for at in range(0, len(pcm), step):
    loudspeaker.write(pcm[at : at + step])
loudspeaker.close()
microphone = audio.open(rate, mic_channels, width, input=True, **where)
recording = b"".join(microphone.read(period, exception_on_overflow=False) for _ in range(35))
microphone.close()
Path(sys.argv[2]).write_bytes(recording)
print(json.dumps({}))
"""

KINDS: list[tuple[int, int, int, Literal["S16_LE", "S32_LE"]]] = [
    (48_000, 6, 2, "S16_LE"),
    (44_100, 1, 2, "S16_LE"),
    (8_000, 2, 1, "S32_LE"),
    (192_000, 8, 8, "S32_LE"),
]


@pytest.mark.parametrize(("rate_hz", "mic_channels", "channels", "sample_format"), KINDS)
def test_every_rate_format_and_number_of_channels_carries_every_bit(
    tmp_path: Path, rate_hz: int, mic_channels: int, channels: int, sample_format: Literal["S16_LE", "S32_LE"]
) -> None:
    scale = 65_537 if sample_format == "S32_LE" else 1
    numbers = [str(number) for number in (rate_hz, mic_channels, channels)]
    channel = mic_channels - 1

    def story(card: FakeCard) -> None:
        played = ramp(rate_hz // 5, channels).astype(card.dtype) * scale
        lead_in = np.zeros((rate_hz // 5, channels), card.dtype)
        (tmp_path / "sound").write_bytes(np.concatenate((lead_in, played, lead_in)).astype(card.dtype).tobytes())
        speech = ramp(rate_hz // 5, 1)[:, 0]
        card.fill_room_noise(0.2, -20, seed=1, channel=0)
        spoken_at = card.say(speech, rate_hz, lead_ms=1200, channel=channel)
        run_story(card, ALL_THAT_IT_HAS, str(tmp_path / "sound"), str(tmp_path / "heard"), *numbers, sample_format)
        heard = card.heard()
        assert heard.dtype == card.dtype
        first = int(np.flatnonzero(heard[:, 0])[0])
        np.testing.assert_array_equal(heard[first : first + len(played)], played)
        recording = np.fromfile(tmp_path / "heard", card.dtype).reshape(-1, mic_channels)
        at = spoken_at - start_frame(card, "mic")
        np.testing.assert_array_equal(
            recording[at : at + len(speech), channel], speech.astype(card.dtype) * (scale - scale % 2 or 1)
        )
        assert not np.delete(recording, channel, axis=1).any()

    undisturbed(
        lambda: FakeCard(
            tmp_path / "card",
            rate_hz=rate_hz,
            channels=channels,
            mic_channels=mic_channels,
            sample_format=sample_format,
        ),
        story,
    )


DUPLEX = """
import threading
calls, done = [], threading.Event()
def exchange(data, frames, times, status):
    calls.append([time.monotonic(), times["input_buffer_adc_time"], times["output_buffer_dac_time"], status,
                  int.from_bytes(data[:2], "little")])
    if len(calls) == 100:
        done.set()
    return (len(calls) % 30_000).to_bytes(2, "little") * 2 * frames, pyaudio.paContinue
index = names.index("fakecard")
stream = audio.open(48000, 2, pyaudio.paInt16, input=True, output=True, input_device_index=index,
                    output_device_index=index, frames_per_buffer=480, stream_callback=exchange)
done.wait(20)
stream.close()
print(json.dumps({"calls": calls[:100]}))
"""


def test_one_duplex_stream_knows_when_its_sound_was_heard_and_when_it_will_be(tmp_path: Path) -> None:
    def story(card: FakeCard) -> None:
        counted = (np.arange(48_000 * 10) // 48 % 30_000).astype(np.int16)  # each millisecond has a number
        (tmp_path / "card" / "mic.raw").write_bytes(np.repeat(counted, 2).tobytes())
        report: dict[str, Any] = run_story(card, DUPLEX)
        calls = report["calls"]
        assert len(calls) == 100
        assert {status for _, _, _, status, _ in calls} == {0}
        heard = card.heard()[:, 0]
        assert {len(heard[heard == n]) for n in range(1, 90)} == {480}
        [begun] = [log_seconds(line) for line in card.log("speaker") if " START " in line]
        for n, (_, adc, dac, _, millisecond) in enumerate(calls[:90], 1):
            heard_at = begun + np.flatnonzero(heard == n)[0] / 48_000
            spoken_at = card.epoch_ns / 1e9 + millisecond / 1000
            assert dac == pytest.approx(heard_at, abs=0.003)
            assert adc == pytest.approx(spoken_at, abs=0.003)
        assert all(later[4] - earlier[4] == 10 for earlier, later in pairwise(calls))

    undisturbed(lambda: FakeCard(tmp_path / "card"), story)
