"""A conversation by the card, the button and the light of a simulated Pi: nothing of the speaker is pretended."""

from __future__ import annotations

from appliance.speaker import ACTION, MUTE, Speaker, needs_real_time

pytestmark = needs_real_time

MOST_INTERRUPTION_SECONDS = 0.3


def test_a_spoken_command_is_carried_out_and_answered_aloud(speaker: Speaker) -> None:
    since = speaker.cursor()
    scene = speaker.act(
        *(["sleep", 2], ["play", "light.wav"], ["phase", "listening", 10], ["event", {"event": "tool"}, 20]),
        *(["phase", "speaking", 20], ["phase", "listening", 20], ["phase", "idle", 20], ["sleep", 2]),
    )
    conversation = ["listening", "thinking", "speaking", "listening", "idle"]
    assert [phase for phase in scene.phases() if phase != "opening"] == conversation
    assert [event["name"] for _, event in scene.events if event["event"] == "tool"] == ["set_light"]
    answer = [event["text"] for _, event in scene.events if event.get("talker") == "assistant"]
    assert answer == ["The kitchen light is on."]
    spoken = scene.sound_seconds(scene.at(phase="speaking")[0], scene.at(phase="idle")[-1])
    likeness = speaker.likeness(answer[0])
    print(f"\nanswer {spoken:.1f} s long, as the speaker's voice says it to {likeness:.2f}")  # noqa: T201 - a figure
    assert 0.8 < spoken < 4
    assert likeness > 0.6
    said = "kitchen light"
    assert said not in speaker.journal(since).lower()
    assert speaker.machine.attempt(f"grep -ril '{said} is on' /var/lib/speakerd /run/speakerd")[0] == 1


def test_the_led_tells_each_state(speaker: Speaker) -> None:
    scene = speaker.act(
        *(["sleep", 3], ["play", "story.wav"], ["phase", "listening", 10], ["phase", "speaking", 30], ["sleep", 5]),
        *(["press", ACTION], ["phase", "listening", 5], ["phase", "idle", 20]),
        *(["press", MUTE], ["event", {"light": "muted"}, 5], ["sleep", 6], ["press", MUTE], ["sleep", 2]),
    )
    shares = {light: round(scene.lit(light), 2) for light in scene.led if light}
    print(f"\nshare of the time that the LED was lit: {shares}")  # noqa: T201 - a figure
    assert shares["idle"] < 0.15
    assert shares["listening"] > 0.9
    assert 0.3 < shares["speaking"] < 0.7
    assert 0.75 < shares["muted"] < 0.98


def test_a_press_silences_an_answer_at_once(speaker: Speaker) -> None:
    scene = speaker.act(
        *(["sleep", 1], ["play", "story.wav"], ["phase", "speaking", 30], ["sleep", 3], ["press", ACTION]),
        *(["phase", "listening", 5], ["phase", "idle", 20]),
    )
    pressed = scene.step_at("press", ACTION)
    assert scene.sound_seconds(pressed - 1, pressed) > 0.3
    silent = scene.silent_from(pressed)
    print(f"\npress to silence {silent - pressed:.3f} s")  # noqa: T201 - a figure
    assert silent - pressed <= MOST_INTERRUPTION_SECONDS


def test_the_mute_button_closes_the_microphone_itself(speaker: Speaker) -> None:
    assert speaker.capture() == "RUNNING"
    scene = speaker.act(["press", MUTE], ["event", {"muted": True}, 5])
    closing = speaker.until(3, lambda: speaker.capture() == "closed")
    deaf = speaker.act(["play", "light.wav"], ["heard"], ["sleep", 3])
    assert "phase" not in {event["event"] for _, event in deaf.events}
    opened = speaker.act(["press", MUTE], ["event", {"muted": False}, 5])
    opening = speaker.until(3, speaker.is_hearing)
    told = scene.at(muted=True)[-1] - scene.step_at("press", MUTE)
    print(f"\nmuted {told:.3f} s after the press, closed {closing:.1f} s, heard again {opening:.1f} s")  # noqa: T201
    assert opened.at(muted=False)
    assert speaker.capture() == "RUNNING"
