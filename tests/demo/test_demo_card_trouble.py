"""What goes wrong on a card: late wake-ups, xruns on demand, and every way of being pulled."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from card_stories import PLAY, RECORD, log_seconds, ramp, run_story, start_frame, undisturbed
from speakerd.demo.card import Direction, FakeCard, Style

ALSA = """
import ctypes, select
alsa = ctypes.CDLL("libasound.so.2")
pcm = ctypes.c_void_p()
assert alsa.snd_pcm_open(ctypes.byref(pcm), b"fakecard", 1, 1) == 0
assert alsa.snd_pcm_set_params(pcm, 2, 3, 2, 48000, 0, 80000) == 0
assert alsa.snd_pcm_start(pcm) == 0
class Polled(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]
polled = Polled()
assert alsa.snd_pcm_poll_descriptors(pcm, ctypes.byref(polled), 1) == 1
poller = select.poll()
poller.register(polled.fd, select.POLLIN)
def flags_of():
    revents = ctypes.c_ushort()
    polled.revents = select.POLLIN
    alsa.snd_pcm_poll_descriptors_revents(pcm, ctypes.byref(polled), 1, ctypes.byref(revents))
    return revents.value
"""

WAKE_UPS = """
times, sound = [], bytes(960 * 4)
while len(times) < 60:
    poller.poll(10_000)
    if flags_of() & select.POLLIN:
        times.append(time.monotonic())
        assert alsa.snd_pcm_readi(pcm, sound, 960) == 960
alsa.snd_pcm_close(pcm)
print(json.dumps({"times": times}))
"""


@pytest.mark.parametrize("jitter_us", [0, 12_000])
def test_jitter_makes_wake_ups_late_by_so_much_and_never_early(tmp_path: Path, jitter_us: int) -> None:
    def story(card: FakeCard) -> None:
        report: dict[str, Any] = run_story(card, ALSA + WAKE_UPS)
        begun = next(log_seconds(line) for line in card.log("mic") if " START " in line)
        late_us = (np.array(report["times"]) - begun - np.arange(1, 61) * 960 / 48_000) * 1e6
        assert late_us.min() >= 0
        assert np.median(late_us) < jitter_us + 2000
        assert np.ptp(late_us) > jitter_us / 2

    undisturbed(lambda: FakeCard(tmp_path / "card", jitter_us=jitter_us, seed=4), story)


def test_the_microphone_loses_nothing_through_jitter(tmp_path: Path) -> None:
    sound = ramp(48_000 * 10, 2)

    def story(card: FakeCard) -> None:
        (tmp_path / "card" / "mic.raw").write_bytes(sound.tobytes())
        run_story(card, RECORD, str(tmp_path / "recording"), "150")
        recording = np.fromfile(tmp_path / "recording", np.int16).reshape(-1, 2)
        start = start_frame(card, "mic")
        np.testing.assert_array_equal(recording, sound[start : start + len(recording)])

    undisturbed(lambda: FakeCard(tmp_path / "card", jitter_us=10_000), story)


def test_the_loudspeaker_loses_nothing_through_jitter(tmp_path: Path) -> None:
    sound = ramp(48_000, 2)
    (tmp_path / "sound").write_bytes(sound.tobytes() + bytes(7680 * 4))

    def story(card: FakeCard) -> None:
        run_story(card, PLAY, str(tmp_path / "sound"))
        heard = card.heard()
        first = int(np.flatnonzero(heard[:, 0])[0])
        np.testing.assert_array_equal(heard[first : first + len(sound)], sound)

    undisturbed(lambda: FakeCard(tmp_path / "card", jitter_us=10_000), story)


DISTURBED_MIC = """
stream = open_stream(input=True)
frames = 0
for n in range(60):
    if n == 20:
        (Path(sys.argv[1]) / "disturb.mic").touch()
    frames += len(stream.read(480, exception_on_overflow=False)) // 4
stream.close()
print(json.dumps({"frames": frames}))
"""

DISTURBED_SPEAKER = """
stream = open_stream(output=True)
for n in range(15):
    if n == 5:
        (Path(sys.argv[1]) / "disturb.speaker").touch()
    stream.write(bytes(7680))
stream.close()
print(json.dumps({"frames": 60 * 480}))
"""


@pytest.mark.parametrize(
    ("name", "story_of", "event"),
    [("mic", DISTURBED_MIC, "INJECTED OVERRUN"), ("speaker", DISTURBED_SPEAKER, "INJECTED UNDERRUN")],
)
def test_a_disturbance_is_one_xrun_that_is_not_the_machines_fault(
    tmp_path: Path, name: str, story_of: str, event: str
) -> None:
    def story(card: FakeCard) -> None:
        assert run_story(card, story_of, str(card.folder)) == {"frames": 60 * 480}
        [line] = card.injected()
        assert line.partition(" ")[2].startswith(event)
        assert len([line for line in card.log(name) if " START " in line]) == 2
        if name == "mic":  # what passed before the stream was started again is lost
            assert start_frame(card, name, 1) > start_frame(card, name)

    card = undisturbed(lambda: FakeCard(tmp_path / "card"), story)
    assert card.faults() == []


def test_a_disturbance_waits_for_a_stream(tmp_path: Path) -> None:
    card = FakeCard(tmp_path)
    card.disturb("mic")
    run_story(card, DISTURBED_MIC.replace("n == 20", "False"), str(tmp_path))
    assert len(card.injected()) == 1
    card.disturb("speaker")
    FakeCard(tmp_path)
    assert not (tmp_path / "disturb.speaker").exists()


PULL = """
def pull(name, style):
    whole = Path(sys.argv[1]) / "pulling"
    whole.write_text(style)
    whole.replace(whole.with_name(name))
"""

PULLED = """
import resource, select, subprocess
command = ["arecord", "-q"] if sys.argv[2] == "mic" else ["aplay", "-q", "/dev/zero"]
player = subprocess.Popen([*command, "-D", "fakecard", "-f", "S16_LE", "-r48000", "-c2", "-t", "raw"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
position = Path(sys.argv[1]) / f"{sys.argv[2]}.position"
while not (position.exists() and any(position.read_bytes()[:8])):
    time.sleep(0.01)
pull(sys.argv[3], sys.argv[4])
try:
    _, complaint = player.communicate(timeout=float(sys.argv[5]))
except subprocess.TimeoutExpired:
    player.kill()
    player.communicate()
    complaint = b"nothing"
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"said": complaint.decode(), "cpu": used.ru_utime + used.ru_stime}))
"""


@pytest.mark.parametrize("name", ["mic", "speaker"])
@pytest.mark.parametrize("file", ["unplug", "unplug.{name}"])
@pytest.mark.parametrize(
    ("style", "event", "said", "seconds"),
    [
        ("pollerr", "ENODEV", "No such device", 5),
        ("enodev", "ENODEV", "No such device", 5),
        ("hang", "HANG", "nothing", 0.7),
    ],
)
def test_a_pulled_stream_ends_or_hangs(
    tmp_path: Path, name: str, file: str, style: str, event: str, said: str, seconds: float
) -> None:
    card = FakeCard(tmp_path)
    report: dict[str, Any] = run_story(
        card, PULL + PULLED, str(tmp_path), name, file.format(name=name), style, str(seconds)
    )
    assert said in report["said"]
    assert report["cpu"] < 0.5
    assert len([line for line in card.log(name) if f" {event} " in line]) == 1


POLLS = """
pull("unplug", sys.argv[2])
wakes, flags, sound = 0, 0, bytes(480 * 4)
until = time.monotonic() + 0.5
while (left := until - time.monotonic()) > 0:
    if poller.poll(left * 1000):
        wakes += 1
        flags |= flags_of()
answers = [alsa.snd_pcm_readi(pcm, sound, 480), alsa.snd_pcm_prepare(pcm), alsa.snd_pcm_start(pcm)]
print(json.dumps({"wakes": wakes, "flags": flags, "answers": answers}))
"""

POLLIN, POLLERR, POLLHUP = 1, 8, 16


@pytest.mark.parametrize(
    ("style", "flags", "answers"),
    [
        ("pollerr", POLLIN | POLLERR | POLLHUP, [-19, -19, -19]),
        ("enodev", POLLIN, [-19, -19, -19]),
        ("hang", 0, [-11, 0, 0]),
    ],
)
def test_each_style_of_pulling_shows_itself_in_its_way(
    tmp_path: Path, style: str, flags: int, answers: list[int]
) -> None:
    report: dict[str, Any] = run_story(FakeCard(tmp_path), PULL + ALSA + POLLS, str(tmp_path), style)
    assert (report["flags"], report["answers"]) == (flags, answers)
    assert (report["wakes"] <= 1) if style == "hang" else (3 < report["wakes"] < 200)


OPENS = """
def opens(direction):
    try:
        open_stream(**{direction: True}).close()
    except (OSError, ValueError):
        return False
    return True
print(json.dumps({"mic": "fakecard" in names and opens("input"), "speaker": "fakecard" in names and opens("output")}))
"""


@pytest.mark.parametrize("style", ["pollerr", "enodev", "hang"])
@pytest.mark.parametrize("direction", [None, "mic", "speaker"])
def test_what_is_pulled_cannot_be_opened_until_it_is_plugged_in(
    tmp_path: Path, direction: Direction | None, style: Style
) -> None:
    card = FakeCard(tmp_path)
    card.unplug(direction, style)
    left = {"mic": direction == "speaker", "speaker": direction == "mic"}
    assert run_story(card, OPENS) == left
    card.plug()
    assert run_story(card, OPENS) == {"mic": True, "speaker": True}


def test_the_error_of_a_pulled_card_is_that_there_is_no_such_device(tmp_path: Path) -> None:
    card = FakeCard(tmp_path)
    card.unplug("mic", "hang")
    command = ["arecord", "-q", "-D", "fakecard", "-f", "S16_LE", "-r48000", "-c2", "-d1", "-t", "raw"]
    result = subprocess.run(command, env=card.environment, capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == 1
    assert "No such device" in result.stderr
