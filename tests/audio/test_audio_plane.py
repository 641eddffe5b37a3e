"""Real PortAudio in a real child process on the fake card."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audio_room import AudioRoom, room_sound, running, undisturbed
from speakerd.audio.cues import cue_samples
from speakerd.audio.pcm import bytes_of
from speakerd.audio.resample import resampled
from speakerd.core.cues import Cue
from speakerd.core.effects import PlayoutLevel
from speakerd.core.events import CardFound, CardLost, CueEnded, PlayoutEnded, UplinkClosed
from speakerd.demo.card import FakeCard
from speakerd.settings import AudioSettings

CARD = AudioSettings(input="fakecard", output="fakecard", canceller="none", volume=1.0, tail_ms=200, preroll_ms=800)


def noise(seconds: float, seed: int = 3) -> NDArray[np.int16]:
    """An answer of which every sample tells its place; 24 kHz, never silent."""
    sound = np.random.default_rng(seed).integers(1, 8_000, round(24_000 * seconds)).astype(np.int16)
    return resampled(sound, 24_000, 24_000)


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 2), (44_100, 2), (16_000, 1), (24_000, 1)])
async def test_the_wake_word_hears_exactly_what_the_room_sounds_like(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    async def story(card: FakeCard) -> None:
        sound = room_sound(card, rate_hz)
        async with running(card, CARD) as room:
            await room.found()
            await room.until(lambda: len(room.frames) >= 20)
            ends, heard = room.ends[:20], np.concatenate(room.frames[:20])
            start = room.capture_start()
        assert ends == [1280 * (n + 1) for n in range(20)]
        expected = resampled(sound[start : start + rate_hz * 2], rate_hz, 16_000)
        np.testing.assert_array_equal(heard, expected[: len(heard)])

    await undisturbed(lambda: FakeCard(tmp_path / "card", rate_hz=rate_hz, channels=channels), story)


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 2), (16_000, 1)])
async def test_the_uplink_has_the_preroll_and_every_sample_after_it_once(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    async def story(card: FakeCard) -> None:
        sound = room_sound(card, rate_hz)
        async with running(card, CARD) as room:
            await room.until(lambda: len(room.frames) >= 16)
            activation = room.ends[13]
            await room.more_frames(3)
            room.plane.capture.open_uplink(1, activation - 12_800)
            await room.more_frames(6)
            room.plane.capture.close_uplink()
            await room.more_frames(3)
            first = room.sent_to(1)
            room.plane.capture.open_uplink(2, None)
            await room.more_frames(3)
            room.plane.capture.close_uplink()
            await room.more_frames(2)
            spans = room.plane.health.uplinks
            start = room.capture_start()
        expected = resampled(sound[start:], rate_hz, 24_000)
        assert spans[0].start == activation * 3 // 2 - 19_200
        for span, sent in zip(spans, (first, room.sent_to(2)), strict=True):
            assert span.samples == len(sent) == span.end - span.start
            assert span.sha256 == hashlib.sha256(sent.tobytes()).hexdigest()
            np.testing.assert_array_equal(sent, expected[span.start : span.end])
        assert spans[0].samples >= 19_200 + 24_000 * 8 * 80 // 1000
        assert spans[1].start > spans[0].end

    await undisturbed(lambda: FakeCard(tmp_path / "card", rate_hz=rate_hz, channels=channels), story)


@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 2), (44_100, 2), (24_000, 1), (16_000, 1)])
async def test_an_answer_is_played_exactly_and_its_end_is_told_when_it_was_heard(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    async def story(card: FakeCard) -> None:
        pcm = bytes_of(noise(0.7))
        async with running(card, CARD) as room:
            await room.found()
            for start in range(0, len(pcm), 3_001):
                room.plane.player.play("answer", pcm[start : start + 3_001])
            room.plane.player.finish("answer")
            await room.until(lambda: bool(room.of(PlayoutEnded)))
            heard = room.heard()
        assert room.of(PlayoutEnded) == [PlayoutEnded("answer", 700, cut_short=False)]
        first = int(np.flatnonzero(heard)[0])
        expected = resampled(noise(0.7), 24_000, rate_hz)
        played = heard[first - int(np.flatnonzero(expected)[0]) :]
        np.testing.assert_array_equal(played[: len(expected)], expected)
        assert not played[len(expected) :].any()
        assert len(room.playout) in (8, 9, 10), (
            "the ears heard 0.7 s of the far end, and the silence that filled its blocks"
        )
        late = room.speaker_frames_at_post[-1] - (len(heard) - len(played) + len(expected))
        assert rate_hz * 0.17 <= late <= rate_hz * 0.35  # the tail is 200 ms; the card may be looked at 20 ms later

    await undisturbed(lambda: FakeCard(tmp_path / "card", rate_hz=rate_hz, channels=channels), story)


async def test_an_interruption_is_silence_within_60_ms_and_tells_what_was_heard(tmp_path: Path) -> None:
    async def story(card: FakeCard) -> None:
        async with running(card, CARD) as room:
            await room.found()
            player = room.plane.player
            player.play("a", bytes_of(noise(5)))
            player.finish("a")
            player.play("b", bytes_of(noise(5)))
            await room.until(lambda: int(np.count_nonzero(room.heard())) > 28_800)
            at_stop = card.speaker_frames()
            player.stop()
            player.play("a", bytes_of(noise(1)))
            await room.until(lambda: len(room.of(PlayoutEnded)) == 2)
            await room.more_frames(5)
            heard = room.heard()
        sounding = np.flatnonzero(heard)
        assert (sounding[-1] - at_stop) / 48 <= 60
        a, b = room.of(PlayoutEnded)
        assert (a.item_id, a.cut_short) == ("a", True)
        assert b == PlayoutEnded("b", 0, cut_short=True)
        length = sounding[-1] + 1 - sounding[0]
        assert abs(a.played_ms - length / 48) <= 20
        expected = resampled(noise(5), 24_000, 48_000)[: length - 240]
        np.testing.assert_array_equal(heard[sounding[0] :][: len(expected)][:-4], expected[:-4])
        fade = heard[sounding[-1] + 1 - 240 : sounding[-1] + 1].astype(int)
        assert fade[-24:].max() < 8_000 * 24 / 240 + 50

    await undisturbed(lambda: FakeCard(tmp_path / "card"), story)


async def test_a_held_answer_is_silent_within_60_ms_and_goes_on_with_the_very_next_sample(tmp_path: Path) -> None:
    async def story(card: FakeCard) -> None:
        async with running(card, CARD) as room:
            await room.found()
            player = room.plane.player
            player.play("a", bytes_of(noise(60)))  # long enough to be still on its way to the card's process
            await room.until(lambda: bool(np.count_nonzero(room.heard()) > 2_400))
            at_hold = card.speaker_frames()
            player.set_level(PlayoutLevel.HELD)
            await room.until(lambda: not room.heard()[-4_800:].any())
            player.set_level(PlayoutLevel.FULL)
            await room.until(lambda: bool(room.heard()[-4_800:].any()))
            await room.more_frames(5)
            player.stop()
            await room.until(lambda: bool(room.of(PlayoutEnded)))
            await room.more_frames(3)
            heard = room.heard()
        (over,) = room.of(PlayoutEnded)
        content = resampled(noise(60), 24_000, 48_000)
        start = int(np.flatnonzero(heard)[0] - np.flatnonzero(content)[0])
        heard = heard[start:]
        silences = np.lib.stride_tricks.sliding_window_view(heard, 4_000).any(axis=1)
        handed = int(np.flatnonzero(~silences)[0]) + 1  # the last sample of the fade is silent
        assert (start + handed - at_hold) / 48 <= 60
        np.testing.assert_array_equal(heard[: handed - 240], content[: handed - 240])
        loud = handed + int(np.flatnonzero(heard[handed:])[0]) + 240
        windows = np.lib.stride_tricks.sliding_window_view(content[handed : handed + 1_000], 50)
        back = loud - int(np.flatnonzero((windows == heard[loud : loud + 50]).all(axis=1))[0])
        rest = round(over.played_ms * 48) - handed - 480  # milliseconds are rounded down, and the end fades
        faded_in = content[handed : handed + rest] * np.minimum(1, np.arange(1, rest + 1) / 240)
        np.testing.assert_allclose(heard[back : back + rest], faded_in, atol=1)

    await undisturbed(lambda: FakeCard(tmp_path / "card"), story)


async def test_cues_sound_beside_an_answer_and_survive_its_interruption(tmp_path: Path) -> None:
    async def story(card: FakeCard) -> None:
        cue = resampled(cue_samples(Cue.NO_CREDIT), 24_000, 48_000)
        async with running(card, CARD) as room:
            await room.found()
            room.plane.player.play("a", bytes(4_800))
            room.plane.player.cue(Cue.NO_CREDIT)
            room.plane.player.stop()
            await room.until(lambda: bool(room.of(CueEnded)))
            heard = room.heard()
        start = int(np.flatnonzero(heard)[0] - np.flatnonzero(cue)[0])
        np.testing.assert_array_equal(heard[start : start + len(cue)], cue)
        late = room.speaker_frames_at_post[room.events.index(CueEnded(Cue.NO_CREDIT))] - start - len(cue)
        assert 48 * 170 <= late <= 48 * 350  # the tail is 200 ms; the card may be looked at 20 ms later

    await undisturbed(lambda: FakeCard(tmp_path / "card"), story)


async def test_a_slow_sink_is_kept_awake_by_noise_that_is_no_sound(tmp_path: Path) -> None:
    async def story(card: FakeCard) -> None:
        async with running(card, replace(CARD, keep_awake=True)) as room:
            await room.found()
            await room.until(lambda: len(room.heard()) > 24_000)
            heard = room.heard()
        assert set(heard[-20_000:].tolist()) == {-1, 0, 1}
        assert room.playout == []

    await undisturbed(lambda: FakeCard(tmp_path / "card"), story)


async def test_a_slow_sink_is_woken_before_a_cue_and_the_cue_is_whole(tmp_path: Path) -> None:
    async def story(card: FakeCard) -> None:
        cue = resampled(cue_samples(Cue.DONE), 24_000, 48_000)
        async with running(card, replace(CARD, lead_in_ms=300)) as room:
            await room.found()
            room.plane.player.cue(Cue.DONE)
            await room.until(lambda: bool(room.of(CueEnded)))
            heard = room.heard()
        loud = np.flatnonzero(np.abs(heard) > 1)[0]
        start = int(loud - np.flatnonzero(np.abs(cue) > 1)[0])
        np.testing.assert_array_equal(heard[start : start + len(cue)], cue)
        assert set(heard[start - 14_400 : start].tolist()) == {-1, 0, 1}
        assert not heard[: start - 14_402].any()

    await undisturbed(lambda: FakeCard(tmp_path / "card"), story)


async def test_the_volume_works_while_it_plays(tmp_path: Path) -> None:
    async def story(card: FakeCard) -> None:
        async with running(card, CARD) as room:
            await room.found()
            room.plane.player.play("a", bytes_of(np.full(48_000, 8_000, np.int16)))
            await room.until(lambda: 8_000 in room.heard())
            room.plane.set_volume(0.5)
            await room.until(lambda: 1_000 in room.heard()[-480:])
            steps = np.abs(np.diff(room.heard().astype(int)))
        assert room.plane.volume == 0.5
        ramp = steps[np.flatnonzero(room.heard() == 8_000)[-1] :]
        assert ramp.max(initial=0) < 100

    await undisturbed(lambda: FakeCard(tmp_path / "card"), story)


async def test_a_pulled_card_is_lost_at_once_and_found_when_it_is_back(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    async with running(card, CARD) as room:
        await room.found()
        await room.more_frames(5)
        room.plane.capture.open_uplink(1, None)
        room.plane.player.play("a", bytes_of(noise(30)))
        await room.more_frames(5)
        pulled_at = room.loop.time()
        card.unplug()
        lost = await room.lost()
        assert room.posted_at[room.events.index(lost)] - pulled_at < 1.5
        await room.until(lambda: bool(room.of(PlayoutEnded)))
        [ended] = room.of(PlayoutEnded)
        assert ended.cut_short
        assert 200 < ended.played_ms < 20_000
        heard, sent, last_end = len(room.frames), len(room.sent), room.ends[-1]
        card.plug()
        await room.found(times=2)
        await room.more_frames(4)
        assert [type(event) for event in room.events] == [CardFound, UplinkClosed, CardLost, PlayoutEnded, CardFound]
        assert room.rearmed_before == [0, heard]
        assert np.diff(room.ends[heard:]).tolist() == [1280] * (len(room.ends) - heard - 1)
        assert room.ends[heard] > last_end
        assert len(room.sent) == sent
        assert room.plane.health.restarts >= 1


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGKILL, "The sound card's process ended (signal 9): it is started again."),
        (signal.SIGSTOP, "The loudspeaker stopped asking for sound: check that the sound card is plugged in."),
    ],
)
async def test_a_dead_or_hung_process_is_replaced(tmp_path: Path, number: int, reason: str) -> None:
    async with running(FakeCard(tmp_path / "card"), CARD) as room:
        await room.found()
        first = room.plane.child_pid
        assert first
        os.kill(first, number)
        assert await room.lost() == CardLost(reason)
        await room.found(times=2)
        await room.more_frames(3)
        assert room.plane.child_pid != first
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)


async def test_a_process_stopped_by_systemd_or_the_terminal_waits_for_us(tmp_path: Path) -> None:
    async with running(FakeCard(tmp_path / "card"), CARD) as room:
        await room.found()
        assert room.plane.child_pid
        os.kill(room.plane.child_pid, signal.SIGTERM)
        os.kill(room.plane.child_pid, signal.SIGINT)
        await room.more_frames(12)
        assert room.events == [CardFound()]


async def test_mute_closes_the_stream_and_unmute_opens_another(tmp_path: Path) -> None:
    async def story(card: FakeCard) -> None:
        sound = room_sound(card, 48_000)
        async with running(card, CARD) as room:
            await room.until(lambda: len(room.frames) >= 5)
            opened = log_count(card, "mic", "CLOSE")
            room.plane.capture.close()
            heard = len(room.frames)
            # What the loudspeaker plays shows that time passes.
            room.plane.player.play("a", bytes_of(noise(1)))
            room.plane.player.finish("a")
            await room.until(lambda: bool(room.of(PlayoutEnded)))
            assert log_count(card, "mic", "CLOSE") == opened + 1
            assert len(room.frames) <= heard + 1
            assert not room.plane.health.is_capture_open
            heard = len(room.frames)
            room.plane.capture.open()
            await room.more_frames(6)
            room.plane.capture.open_uplink(1, room.ends[heard] - 12_800)
            await room.more_frames(2)
            room.plane.capture.close_uplink()
            await room.more_frames(2)
            [span] = room.plane.health.uplinks
        assert room.events == [CardFound(), PlayoutEnded("a", 1000, cut_short=False), UplinkClosed(1)]
        begin = room.ends[heard] - 1280
        assert span.start == begin * 3 // 2
        expected = resampled(sound[room.capture_start() :], 48_000, 24_000)
        np.testing.assert_array_equal(room.sent_to(1), expected[: span.samples])
        assert room.rearmed_before == [0, heard]

    await undisturbed(lambda: FakeCard(tmp_path / "card"), story)


def log_count(card: FakeCard, name: str, what: str) -> int:
    return sum(f" {what}" in line for line in card.log(name))


async def test_a_muted_speaker_finds_its_card_without_opening_the_microphone(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    async with running(card, CARD, is_muted=True) as room:
        await room.found()
        assert log_count(card, "mic", "START") == 0
        room.plane.capture.open()
        await room.more_frames(2)
        assert room.events == [CardFound()]


@pytest.mark.parametrize(
    ("settings", "trouble", "sentence"),
    [
        (CARD, "unplugged", "There is no sound card for playout: plug one in, or end the program that holds it"),
        (CARD, "busy", "There is no sound card for playout: plug one in, or end the program that holds it"),
        (CARD, "busy mic", 'The sound card "fakecard" is busy or gone (playout): plug it in, or end the program'),
        (AudioSettings(input="usb"), "", 'No capture device is called "usb": the nearest is "'),
        (AudioSettings(output="usb"), "", 'No playout device is called "usb": the nearest is "'),
        (AudioSettings(input="fa"), "", '"fa" could be any of the capture devices "fakecard", "default": set audio.'),
    ],
)
async def test_what_is_wrong_with_a_card_is_one_sentence_told_once(
    tmp_path: Path, settings: AudioSettings, trouble: str, sentence: str
) -> None:
    card = FakeCard(tmp_path / "card")
    if trouble == "unplugged":
        card.unplug()
    if trouble == "busy":
        card.make_busy()
    async with running(card, settings, is_muted=trouble == "busy mic") as room:
        if trouble == "busy mic":
            await room.found()
            card.make_busy()
            room.plane.capture.open()
        lost = await room.lost()
        assert lost.reason.startswith(sentence)
        if trouble:
            card.plug()
            card.make_free()
            await room.found(times=2 if trouble == "busy mic" else 1)
            assert room.of(CardLost) == [lost]


async def test_the_end_leaves_nothing_behind(tmp_path: Path) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with running(FakeCard(tmp_path / "before"), CARD) as room:
        await room.found()  # the loop's own threads and files exist from here on
    before = open_files()
    card = FakeCard(tmp_path / "card")
    async with running(card, CARD) as room:
        await room.found()
        room.plane.player.play("a", bytes_of(noise(3)))
        await room.more_frames(2)
        pid = room.plane.child_pid
        assert pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert open_files() == before
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("audio")]
    assert log_count(card, "speaker", "OPEN") == log_count(card, "speaker", "CLOSE")
    assert [type(event) for event in room.events] == [CardFound, PlayoutEnded]


async def test_a_cancelled_plane_leaves_no_process(tmp_path: Path) -> None:
    room = AudioRoom(FakeCard(tmp_path / "card"), CARD)
    task = asyncio.create_task(room.plane.run())
    await room.found()
    pid = room.plane.child_pid
    assert pid
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_bug_in_the_ears_ends_the_plane(tmp_path: Path) -> None:
    class BrokenRoom(AudioRoom):
        def hear(self, frame: NDArray[np.int16], end_sample: int) -> None:
            raise ZeroDivisionError("a bug")

    room = BrokenRoom(FakeCard(tmp_path / "card"), CARD)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await asyncio.wait_for(room.plane.run(), 30)


async def test_the_age_of_the_last_mic_frame_is_known(tmp_path: Path) -> None:
    async with running(FakeCard(tmp_path / "card"), CARD) as room:
        assert room.plane.health.last_mic_frame_age_seconds(room.loop.time()) is None
        await room.more_frames(3)
        age = room.plane.health.last_mic_frame_age_seconds(room.loop.time())
        assert age is not None
        assert 0 <= age < 0.5
        assert room.plane.health.frames >= 3
