"""Real PyAudio on the fake card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from card_stories import PLAY, RECORD, log_seconds, ramp, run_story, start_frame, undisturbed
from speakerd.demo.card import FakeCard
from speakerd.errors import AudioDeviceError


def test_the_loudspeaker_plays_exactly_what_was_written_in_real_time(tmp_path: Path) -> None:
    sound = ramp(48000, 2)
    (tmp_path / "sound").write_bytes(sound.tobytes() + bytes(7680 * 4))  # PortAudio throws the last buffers away

    def story(card: FakeCard) -> None:
        run_story(card, PLAY, str(tmp_path / "sound"))
        heard = card.heard()
        first = int(np.flatnonzero(heard[:, 0])[0])
        np.testing.assert_array_equal(heard[first : first + 48000], sound)
        assert not heard[first + 48000 :].any()
        assert card.speaker_frames() == len(heard)
        [start] = [log_seconds(line) for line in card.log("speaker") if " START " in line]
        stop = next(log_seconds(line) for line in card.log("speaker") if " STOP " in line)
        assert stop - start == pytest.approx(len(heard) / 48000, rel=0.05)

    undisturbed(lambda: FakeCard(tmp_path / "card"), story)


def test_the_microphone_hears_what_was_said_at_its_place(tmp_path: Path) -> None:
    speech = ramp(4800, 1)[:, 0]

    def story(card: FakeCard) -> None:
        start = card.say(speech, 48000, lead_ms=2500)
        run_story(card, RECORD, str(tmp_path / "recording"), "300")
        recording = np.fromfile(tmp_path / "recording", np.int16).reshape(-1, 2)
        at = start - start_frame(card, "mic")
        np.testing.assert_array_equal(recording[at : at + 4800], np.repeat(speech[:, None], 2, axis=1))
        assert not recording[:at].any()
        assert not recording[at + 4800 :].any()

    undisturbed(lambda: FakeCard(tmp_path / "card"), story)


REOPEN = """
for _ in range(2):
    stream = open_stream(input=True)
    for _ in range(20):
        stream.read(480)
    stream.close()
print(json.dumps({}))
"""


@pytest.mark.parametrize(("ppm", "rate_hz"), [(0, 48000), (50_000, 48000), (0, 16000)])
def test_the_room_goes_on_while_nobody_listens(tmp_path: Path, ppm: int, rate_hz: int) -> None:
    def story(card: FakeCard) -> None:
        run_story(card, REOPEN.replace("open_stream(", f"open_stream({rate_hz}, "))
        begun = [log_seconds(line) for line in card.log("mic") if " START " in line]
        passed = start_frame(card, "mic", 1) - start_frame(card, "mic", 0)
        assert passed == pytest.approx((begun[1] - begun[0]) * rate_hz * (1 + ppm / 1e6), abs=0.002 * rate_hz)
        assert passed >= 20 * 480
        assert start_frame(card, "mic", 1) < card.mic_frames() < card.mic_position()

    undisturbed(lambda: FakeCard(tmp_path / "card", rate_hz=rate_hz, ppm=ppm), story)


UNPLUG = """
import subprocess
recorder = subprocess.Popen(["arecord", "-q", "-D", "fakecard", "-f", "S16_LE", "-r48000", "-c2", "-t", "raw"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
recorder.stdout.read(1920)
(Path(sys.argv[1]) / "unplug").touch()
pulled = time.monotonic()
_, complaint = recorder.communicate(timeout=10)
print(json.dumps({"code": recorder.returncode, "seconds": time.monotonic() - pulled, "said": complaint.decode()}))
"""


def test_pulling_the_card_ends_a_running_stream_at_once(tmp_path: Path) -> None:
    card = FakeCard(tmp_path)
    report = run_story(card, UNPLUG, str(tmp_path))
    assert report["code"] == 1
    assert "No such device" in str(report["said"])
    assert float(str(report["seconds"])) < 2
    assert [line for line in card.log("mic") if " ENODEV " in line]


OPEN = """
def attempt(name="fakecard", rate=48000):
    try:
        open_stream(rate, name=name, input=True).close()
        return "opened"
    except (ValueError, OSError) as error:
        return str(error)
"""

BUSY = """
stream = open_stream(input=True)
first = attempt()
(Path(sys.argv[1]) / "busy").touch()
stream.read(480, exception_on_overflow=False)
stream.close()
second = attempt()
(Path(sys.argv[1]) / "busy").unlink()
print(json.dumps({"taken": first, "busy": second, "free": attempt()}))
"""


def test_a_card_that_another_program_has_cannot_be_opened(tmp_path: Path) -> None:
    unavailable = "[Errno -9985] Device unavailable"
    report = run_story(FakeCard(tmp_path), OPEN + BUSY, str(tmp_path))
    assert report == {"taken": unavailable, "busy": unavailable, "free": "opened"}


NAMES = "print(json.dumps({'names': names}))"


def test_only_a_card_that_is_plugged_in_and_free_is_listed(tmp_path: Path) -> None:
    card = FakeCard(tmp_path)
    assert run_story(card, NAMES) == {"names": ["fakecard", "default"]}
    card.unplug()
    assert run_story(card, NAMES) == {"names": []}
    card.plug()
    card.make_busy()
    assert run_story(card, NAMES) == {"names": []}
    card.make_free()
    assert run_story(card, NAMES) == {"names": ["fakecard", "default"]}


RATES = """
print(json.dumps({"native": attempt(rate=48000), "other": attempt(rate=24000),
                  "converted": attempt(name="default", rate=24000)}))
"""


@pytest.mark.parametrize(("rate_hz", "other"), [(48000, "[Errno -9997] Invalid sample rate"), (0, "opened")])
def test_a_card_of_one_rate_refuses_others(tmp_path: Path, rate_hz: int, other: str) -> None:
    report = run_story(FakeCard(tmp_path, rate_hz=rate_hz), OPEN + RATES)
    assert report == {"native": "opened", "other": other, "converted": "opened"}


STARVE = """
microphone, loudspeaker = open_stream(input=True), open_stream(output=True)
microphone.read(480)
for _ in range(20):
    loudspeaker.write(bytes(7680))
after = microphone.read(480, exception_on_overflow=False)
print(json.dumps({"frames": len(after) // 4}))
"""


def test_a_reader_that_is_late_by_more_than_the_buffer_has_an_overrun(tmp_path: Path) -> None:
    card = FakeCard(tmp_path)
    assert run_story(card, STARVE) == {"frames": 480}
    assert any("OVERRUN" in line for line in card.faults())


def test_a_card_of_any_rate_has_a_position_only_once_it_was_opened(tmp_path: Path) -> None:
    card = FakeCard(tmp_path, rate_hz=0)
    with pytest.raises(AudioDeviceError, match="open its microphone first"):
        card.mic_position()
    run_story(card, RECORD.replace("open_stream(", "open_stream(16000, "), str(tmp_path / "recording"), "10")
    assert 0 < card.mic_frames() < card.mic_position()


def test_a_new_card_forgets_the_last_one_in_its_folder(tmp_path: Path) -> None:
    old = FakeCard(tmp_path)
    run_story(old, RECORD, str(tmp_path / "recording"), "10")
    old.fill_room_noise(1, -20, seed=1)
    old.unplug()
    new = FakeCard(tmp_path)
    assert (new.mic_frames(), new.log("mic"), (tmp_path / "mic.raw").stat().st_size) == (0, [], 0)
    assert new.heard().shape == (0, 2)
    assert run_story(new, NAMES) == {"names": ["fakecard", "default"]}
