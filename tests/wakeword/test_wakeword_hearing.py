"""What a user lives with: the default engine and the default rules, in a room with real voices."""

from __future__ import annotations

from functools import cache

import pytest

from speakerd.core.events import Event, WakeWordHeard
from speakerd.settings import OtherWord, WakeWordSettings
from speakerd.wakeword import models
from speakerd.wakeword.ears import Equipment, WakeWordEars, equipment
from wakeword_sounds import Sound, frames, pause, room, said

VOICES = ["slt", "kal16", "rms"]


@cache
def made(settings: WakeWordSettings) -> Equipment:
    models.fetch(models.default_folder())
    return equipment(settings)


def fresh(events: list[Event], settings: WakeWordSettings | None = None) -> WakeWordEars:
    ears = WakeWordEars(made(settings or WakeWordSettings()), events.append, clock=lambda: 0.0)
    ears.rearm()
    return ears


def wakes(events: list[Event]) -> list[WakeWordHeard]:
    return [event for event in events if isinstance(event, WakeWordHeard)]


def heard(sound: Sound, settings: WakeWordSettings | None = None) -> list[WakeWordHeard]:
    """What freshly armed ears report of a sound."""
    events: list[Event] = []
    ears = fresh(events, settings)
    for frame, end_sample in frames(sound):
        ears.hear(frame, end_sample)
    return wakes(events)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(
    "text",
    [
        "hey jarvis",
        "hey jarvis, turn on the kitchen light",
        "hey jarvis. what time is it?",
        "hey jarvis set a timer for ten minutes",
        "hey jarvis stop",
    ],
)
def test_hears_the_wake_word_once_alone_or_in_one_breath(text: str, voice: str) -> None:
    (event,) = heard(room(pause(0.8), said(text, voice), pause(1.2)))
    assert event.word == "hey_jarvis"
    assert 0.5 <= event.score <= 1
    assert 0.8 * 16_000 < event.sample <= (0.8 + 1.4) * 16_000


@pytest.mark.parametrize("voice", VOICES)
def test_hears_the_wake_word_in_noise_and_after_a_long_silence(voice: str) -> None:
    slowly = said("hey jarvis, turn on the kitchen light", voice, 1.15)
    assert len(heard(room(pause(8), slowly, pause(0.5), noise=150))) == 1


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize(
    "text",
    ["turn on the kitchen light", "hey siri, what time is it", "computer, stop", "the harvest is early this year"],
)
def test_other_sentences_wake_nobody(text: str, voice: str) -> None:
    assert heard(room(pause(0.5), said(text, voice), pause(0.8))) == []


def test_two_words_each_with_their_own_threshold() -> None:
    settings = WakeWordSettings(others=(OtherWord("alexa", threshold=0.7, patience_frames=1),))
    sound = room(pause(0.5), said("alexa"), pause(2.5), said("hey jarvis"), pause(1))
    assert [event.word for event in heard(sound, settings)] == ["alexa", "hey_jarvis"]


def test_the_original_engine_can_take_the_place_of_ours() -> None:
    settings = WakeWordSettings(engine="openwakeword")
    (event,) = heard(room(pause(0.8), said("hey jarvis, what time is it"), pause(1)), settings)
    assert event.word == "hey_jarvis"


@pytest.mark.parametrize("voice", ["kal16", "rms"])
def test_a_tflite_word_beside_an_onnx_word(voice: str) -> None:
    settings = WakeWordSettings(others=(OtherWord("ok_nabu"),))
    sound = room(pause(0.5), said("okay nabu", voice), pause(2.5), said("hey jarvis", voice), pause(1))
    assert [event.word for event in heard(sound, settings)] == ["ok_nabu", "hey_jarvis"]


AFTERWARDS = {
    "silence": pause(3),
    "noise": room(pause(3), noise=300, seed=7),
    "rest of the utterance": said("turn on the kitchen light"),
    "other speech": said("good morning everybody, did you sleep well", "rms"),
}


def ears_at_a_hit(events: list[Event]) -> WakeWordEars:
    """Ears that stopped hearing at the frame of a detection."""
    ears = fresh(events)
    for frame, end_sample in frames(room(pause(0.8), said("hey jarvis"), pause(1.2))):
        ears.hear(frame, end_sample)
        if wakes(events):
            return ears
    pytest.fail("the wake word was not heard")


@pytest.mark.parametrize("afterwards", AFTERWARDS)
def test_after_a_pause_an_old_wake_word_does_not_fire_again(afterwards: str) -> None:
    events: list[Event] = []
    ears = ears_at_a_hit(events)
    ears.rearm()
    for frame, end_sample in frames(room(AFTERWARDS[afterwards])):
        ears.hear(frame, end_sample)
    assert len(wakes(events)) == 1


@pytest.mark.parametrize("delay_seconds", [0, 0.04, 0.4, 1.6])
@pytest.mark.parametrize("voice", VOICES)
def test_hears_a_wake_word_right_after_a_pause(voice: str, delay_seconds: float) -> None:
    events: list[Event] = []
    ears = ears_at_a_hit(events)
    ears.rearm()
    for frame, end_sample in frames(room(pause(delay_seconds), said("hey jarvis, what time is it?", voice))):
        ears.hear(frame, end_sample)
    assert len(wakes(events)) == 2


@pytest.mark.parametrize(("own_voice_says_it", "activations"), [(True, 0), (False, 1)])
def test_our_own_voice_does_not_wake_us(own_voice_says_it: bool, activations: int) -> None:
    """The loudspeaker is heard by the microphone 120 ms later, softer and with noise."""
    near = room(pause(1), (said("hey jarvis, that is my name") * 0.3).astype("int16"), pause(1))
    far = room(pause(0.88), said("hey jarvis, that is my name" if own_voice_says_it else "good morning"), pause(2))
    events: list[Event] = []
    ears = fresh(events)
    for (frame, end_sample), (played, _) in zip(frames(near), frames(far), strict=False):
        ears.hear_playout(played)
        ears.hear(frame, end_sample)
    assert len(wakes(events)) == activations
