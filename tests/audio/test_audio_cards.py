"""Every kind of card on real PyAudio: its rates, channels and formats, and a microphone beside another loudspeaker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audio_room import AudioRoom, running, undisturbed
from speakerd.audio.pcm import bytes_of
from speakerd.audio.resample import resampled
from speakerd.core.events import CardFound, PlayoutEnded, VoiceHeard
from speakerd.demo.acoustics import RoomSettings
from speakerd.demo.acoustics_room import EchoRoom
from speakerd.demo.card import FakeCard, sound_environment
from speakerd.settings import AudioSettings

PLAIN = AudioSettings(input="fakecard", output="fakecard", canceller="none", volume=1.0, duplex="full")


def room_noise(card: FakeCard, channel: int | None = None, seconds: int = 20) -> NDArray[np.int16]:
    """Noise all over the room from its first frame on, on one microphone channel (from 1) or on all; mono."""
    noise = np.random.default_rng(card.rate_hz).normal(0, 3000, card.rate_hz * seconds)
    mono = np.clip(noise, -32_768, 32_767).astype(np.int16)
    frames = np.zeros((len(mono), card.mic_channels), np.int32)
    frames[:, slice(None) if channel is None else channel - 1] = mono[:, np.newaxis] if channel is None else mono
    is_32_bit = card.sample_format == "S32_LE"
    (card.folder / "mic.raw").write_bytes((frames << 16 if is_32_bit else frames.astype(np.int16)).tobytes())
    return mono


async def hears(room: AudioRoom, card: FakeCard, sound: NDArray[np.int16]) -> None:
    """Check that the wake word hears exactly this sound."""
    await room.until(lambda: len(room.frames) >= 12)
    heard, start = np.concatenate(room.frames[:12]), room.capture_start()
    expected = resampled(sound[start : start + card.rate_hz * 2], card.rate_hz, 16_000)
    np.testing.assert_array_equal(heard, expected[: len(heard)])


@pytest.mark.parametrize(
    ("rate_hz", "block_ms"),
    [(8_000, 10), (11_025, 10), (22_050, 10), (32_000, 10), (96_000, 10), (192_000, 10)],
)
async def test_a_card_of_any_rate_is_heard_exactly(tmp_path: Path, rate_hz: int, block_ms: int) -> None:
    async def story(card: FakeCard) -> None:
        sound = room_noise(card, seconds=8)
        async with running(card, PLAIN) as room:
            await hears(room, card, sound)
            health = room.plane.health
        assert (health.capture_rate_hz, health.block_ms, health.is_duplex) == (rate_hz, block_ms, True)

    await undisturbed(lambda: FakeCard(tmp_path / "card", rate_hz=rate_hz, channels=1), story)


@pytest.mark.parametrize(
    ("channels", "mic_channels", "input_channel", "is_duplex"),
    [
        (1, 1, 0, True),
        (2, 2, 0, True),
        (2, 2, 2, True),
        (2, 6, 3, False),  # two directions of one stream have as many channels
        (2, 8, 8, False),
        (2, 1, 0, False),  # a mono microphone must not leave a loudspeaker out
        (2, 4, 0, True),  # one stream takes the first two
    ],
)
async def test_a_card_of_any_channels_is_heard_on_the_chosen_one(
    tmp_path: Path, channels: int, mic_channels: int, input_channel: int, is_duplex: bool
) -> None:
    async def story(card: FakeCard) -> None:
        sound = room_noise(card, input_channel or None)
        async with running(card, replace(PLAIN, input_channel=input_channel)) as room:
            await hears(room, card, sound)
            assert room.plane.health.is_duplex is is_duplex

    await undisturbed(
        lambda: FakeCard(tmp_path / "card", channels=channels, mic_channels=mic_channels, rate_hz=48_000), story
    )


async def test_what_may_be_a_mix_of_several_devices_gets_a_stream_for_each_direction(tmp_path: Path) -> None:
    async def story(card: FakeCard) -> None:
        sound = room_noise(card)
        async with running(card, replace(PLAIN, input="default", output="default")) as room:
            await hears(room, card, sound)
            assert room.plane.health.is_duplex is False

    await undisturbed(lambda: FakeCard(tmp_path / "card", channels=1, rate_hz=48_000), story)


@pytest.mark.parametrize("sample_format", ["s16", "s32"])
async def test_a_card_of_32_bits_hears_and_plays(tmp_path: Path, sample_format: str) -> None:
    async def story(card: FakeCard) -> None:
        sound = room_noise(card)
        answer = np.random.default_rng(3).integers(-8_000, 8_000, 12_000).astype(np.int16)
        settings = replace(PLAIN, sample_format="s32")
        async with running(card, settings) as room:
            await hears(room, card, sound)
            room.plane.player.play("a", bytes_of(answer))
            room.plane.player.finish("a")
            await room.until(lambda: bool(room.of(PlayoutEnded)))
            heard = room.heard()
        played = heard[np.flatnonzero(heard)[0] :][:20_000]
        expected = resampled(answer, 24_000, 48_000)
        expected = expected[np.flatnonzero(expected)[0] :][: len(played)].astype(np.int32) << 16
        np.testing.assert_array_equal(played, expected)

    async def heard_roughly(card: FakeCard) -> None:
        """PortAudio converts 32 to 16 bits with dither."""
        sound = room_noise(card)
        async with running(card, PLAIN) as room:
            await room.until(lambda: len(room.frames) >= 12)
            heard, start = np.concatenate(room.frames[:12]), room.capture_start()
        expected = resampled(sound[start : start + 96_000], 48_000, 16_000)[: len(heard)]
        np.testing.assert_allclose(heard, expected, atol=3)

    await undisturbed(
        lambda: FakeCard(tmp_path / "card", sample_format="S32_LE"), story if sample_format == "s32" else heard_roughly
    )


async def test_a_quiet_microphone_is_made_louder(tmp_path: Path) -> None:
    async def story(card: FakeCard) -> None:
        sound = room_noise(card)
        async with running(card, replace(PLAIN, input_gain_db=6.0206)) as room:
            await room.until(lambda: len(room.frames) >= 12)
            heard, start = np.concatenate(room.frames[:12]), room.capture_start()
        louder = np.clip(sound[start : start + 96_000].astype(np.int32) * 2, -32_768, 32_767).astype(np.int16)
        np.testing.assert_allclose(heard, resampled(louder, 48_000, 16_000)[: len(heard)], atol=2)

    await undisturbed(lambda: FakeCard(tmp_path / "card"), story)


async def test_a_channel_that_the_card_has_not_is_one_sentence(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card", channels=2, mic_channels=1)
    async with running(card, replace(PLAIN, input_channel=4)) as room:
        lost = await room.lost()
        assert lost.reason == 'The sound card "fakecard" has 1 capture channels: set audio.input_channel to 0 to 1.'


async def test_muting_in_the_middle_of_an_answer_loses_none_of_it(tmp_path: Path) -> None:
    """The stream that goes both ways is closed, and another one plays on."""

    async def story(card: FakeCard) -> None:
        answer = np.random.default_rng(5).integers(1, 8_000, 48_000).astype(np.int16)
        async with running(card, PLAIN) as room:
            await room.found()
            room.plane.player.play("a", bytes_of(answer))
            room.plane.player.finish("a")
            await room.until(lambda: int(np.count_nonzero(room.heard())) > 24_000)
            room.plane.capture.close()
            await room.until(lambda: int(np.count_nonzero(room.heard())) > 60_000)
            room.plane.capture.open()
            await room.until(lambda: bool(room.of(PlayoutEnded)))
            heard = room.heard()
        assert room.events == [CardFound(), PlayoutEnded("a", 2000, cut_short=False)]
        expected = resampled(answer, 24_000, 48_000)
        np.testing.assert_array_equal(heard[heard != 0], expected[expected != 0])
        assert sum(" START" in line for line in card.log("mic")) == 2

    await undisturbed(lambda: FakeCard(tmp_path / "card"), story)


async def test_a_microphone_of_another_clock_is_paired_with_what_is_played(tmp_path: Path) -> None:
    """100 ppm between two cards of different rates: the echo stays where it was, and nobody is taken for a talker."""

    async def story(speaker: FakeCard) -> None:
        mic = FakeCard(tmp_path / "mic", name="usbmic", rate_hz=16_000, channels=1, directions=("mic",), ppm=60)
        settings = AudioSettings(input="usbmic", output="fakecard", canceller="software", volume=1.0, duplex="full")
        answer = np.random.default_rng(7).normal(0, 3000, 24_000 * 11).astype(np.int16)
        async with running(speaker, settings, environment=sound_environment([speaker, mic])) as room:
            await room.found()
            with EchoRoom(mic, speaker, RoomSettings(delay_ms=80.0, echo_gain_db=-6.0)):
                room.plane.player.play("a", bytes_of(answer))
                room.plane.player.finish("a")
                await room.until(lambda: room.plane.health.echo_delay_ms is not None)
                first = room.plane.health.echo_delay_ms
                await room.until(lambda: bool(room.of(PlayoutEnded)))
            health = room.plane.health
        assert health.is_duplex is False
        assert first is not None
        assert health.echo_delay_ms is not None
        assert abs(health.echo_delay_ms - first) < 1.0, "the clocks run apart by 1 ms in 10 s"
        assert 75 <= first <= 100
        assert not room.of(VoiceHeard)

    await undisturbed(lambda: FakeCard(tmp_path / "card", rate_hz=48_000, directions=("speaker",), ppm=-40), story)
