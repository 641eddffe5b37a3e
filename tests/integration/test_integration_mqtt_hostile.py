"""Neighbours and brokers that mean no good: the speaker goes on, and acts on nothing that it should not."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from logs import log_of
from mqtt_bad_broker import BadBroker, message, serving
from mqtt_broker import home, mosquitto
from mqtt_stage import AVAILABILITY, STATUS, command_topic, settings, speaker
from speakerd.mqtt.broker import MOST_PACKET_BYTES
from speakerd.mqtt.commands import MOST_COMMAND_BYTES

JUNK = (b"", b"\x00", b"\xff\xfe\xfd", b"[" * 3000, b'{"state": "OFF"}', b"9" * 4000, b"x" * (MOST_COMMAND_BYTES + 1))


async def test_junk_for_every_command_changes_nothing(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        home(broker.port) as neighbour,
        speaker(settings(broker.port)) as stage,
    ):
        await neighbour.until(lambda: (neighbour.last(STATUS) or {}).get("state") == "idle")
        told = list(stage.told.lines)
        for junk in (*JUNK, b"x" * (MOST_PACKET_BYTES + 1)):
            for name in ("mute", "volume", "stop", "unlock"):
                await neighbour.say(command_topic(name), junk)
        await neighbour.say(command_topic("volume"), "12")
        await neighbour.until(lambda: neighbour.last(STATUS)["volume_percent"] == 12)
        assert stage.told.lines == told


async def test_whoever_floods_is_heard_once_a_second(tmp_path: Path) -> None:
    with log_of("speakerd.mqtt") as log:
        async with (
            mosquitto(tmp_path) as broker,
            home(broker.port) as neighbour,
            speaker(settings(broker.port)) as stage,
        ):
            await neighbour.until(lambda: (neighbour.last(STATUS) or {}).get("state") == "idle")
            for number in range(20):
                await neighbour.say(command_topic("announce"), f"Number {number}.")
            await neighbour.say(command_topic("volume"), "12")
            await neighbour.until(lambda: neighbour.last(STATUS)["volume_percent"] == 12)
            spoken = [line for line in stage.told.lines if line.startswith("announce ")]
            assert spoken == ["announce 1 Number 0."]
    assert [line for line in log.lines if "one announcement in a second" in line]
    assert not [line for line in log.lines if "Number" in line]


async def test_whoever_plays_with_the_switch_does_not_wear_it_out(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        home(broker.port) as neighbour,
        speaker(settings(broker.port)) as stage,
    ):
        await neighbour.until(lambda: (neighbour.last(STATUS) or {}).get("state") == "idle")
        with log_of("speakerd.mqtt") as log:
            for _ in range(50):
                await neighbour.say(command_topic("mute"), "ON")
                await neighbour.say(command_topic("mute"), "OFF")
            await log.until("five commands in a second")
        assert stage.told.lines.count("open capture") < 50


async def test_a_flood_makes_the_speaker_leave_for_a_while_and_the_home_sees_it(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        home(broker.port) as neighbour,
        speaker(settings(broker.port)),
    ):
        await neighbour.until_last(AVAILABILITY, "online")
        for _ in range(1000):
            await neighbour.client.publish(command_topic("stop"), b"junk", qos=0)
        await neighbour.until(lambda: b"offline" in neighbour.all(AVAILABILITY))
        await neighbour.until_last(AVAILABILITY, "online")


async def test_an_old_command_that_the_broker_kept_is_not_obeyed(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker, home(broker.port) as neighbour:
        await neighbour.say(command_topic("mute"), "ON", retain=True)
        await neighbour.say(command_topic("announce"), "Boo.", retain=True)
        async with speaker(settings(broker.port)) as stage:
            await neighbour.until(lambda: neighbour.last(STATUS))
            await neighbour.say(command_topic("volume"), "12")
            await neighbour.until(lambda: neighbour.last(STATUS)["volume_percent"] == 12)
            assert neighbour.last(STATUS)["muted"] == "OFF"
            assert not [line for line in stage.told.lines if "Boo" in line]


async def test_a_microphone_that_only_a_hand_may_open(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path) as broker,
        home(broker.port) as neighbour,
        speaker(settings(broker.port, may_unmute=False)) as stage,
    ):
        await neighbour.until(lambda: neighbour.last(STATUS))
        await neighbour.say(command_topic("mute"), "ON")
        await neighbour.until(lambda: neighbour.last(STATUS)["muted"] == "ON")
        told = len(neighbour.all(STATUS))
        await neighbour.say(command_topic("mute"), "OFF")
        await neighbour.until(lambda: len(neighbour.all(STATUS)) > told)
        assert neighbour.last(STATUS)["muted"] == "ON", "what the home showed is taken back"
        assert "open capture" not in stage.told.lines


KIND, HUGE = b"\x30", b"\xff\xff\xff\x7f"
BAD = [
    ("a packet of 256 MiB", KIND + HUGE + b"\x00" * 100_000, "sent more in one packet than it may"),
    ("a topic that is no text", message(b"\xff\xfe", b""), "cannot be used"),
    ("a packet that ends early", b"\x30\x02\x00\x09", "cannot be used"),
    ("an unknown kind of packet", b"\x00\x00", "cannot be used"),
    ("a length without an end", b"\x30\xff\xff\xff\xff\xff\xff", "cannot be used"),
    ("a flood", message(b"speakerd/kitchen/stop/set", b"PRESS") * 1000, "more messages than anybody could mean"),
    ("a farewell", b"\xe0\x00", "cannot be used"),
]


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(("sent", "sentence"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
async def test_a_broker_that_sends_nonsense_is_left_and_tried_again(sent: bytes, sentence: str) -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    broker = BadBroker(sent)
    descriptors = open_descriptors()
    with log_of("speakerd.mqtt") as log:
        async with serving(broker) as port, speaker(settings(port)):
            await log.until(sentence)
            await log.until("is connected", times=2)
    assert broker.connections == 2
    assert open_descriptors() <= descriptors
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 32 * 1024


@pytest.mark.parametrize(
    ("welcome", "sentence"),
    [
        (b"\x20\x02\x00\x01", "does not know MQTT 5: use one that does"),
        (b"\x20\x03\x00\x84\x00", "does not know MQTT 5: use one that does"),
        (b"\x20\x03\x00\x86\x00", "refused the user name or the password"),
        (b"\x20\x03\x00\x88\x00", "cannot be used"),
    ],
)
async def test_a_broker_that_does_not_want_us_is_named(welcome: bytes, sentence: str) -> None:
    with log_of("speakerd.mqtt") as log:
        async with serving(BadBroker(b"", welcome)) as port, speaker(settings(port)):
            await log.until(f"The MQTT broker at 127.0.0.1:{port}")
    assert [line for line in log.lines if sentence in line]


async def test_a_broker_that_says_nothing_is_left_and_holds_nothing() -> None:
    descriptors = open_descriptors()
    with log_of("speakerd.mqtt") as log:
        async with serving(BadBroker(b"", welcome=b"")) as port, speaker(settings(port)):
            await log.until(f"The MQTT broker at 127.0.0.1:{port} cannot be used (Operation timed out)")
    assert open_descriptors() <= descriptors


async def test_what_a_broker_forbids_to_read_is_named() -> None:
    with log_of("speakerd.mqtt") as log:
        async with serving(BadBroker(b"", suback=0x87)) as port, speaker(settings(port)):
            await log.until('forbids to read "speakerd/kitchen/mute/set": allow it for this user.')


async def test_nobody_at_the_port_is_one_sentence() -> None:
    async with serving(BadBroker(b"")) as port:
        pass
    with log_of("speakerd.mqtt") as log:
        async with speaker(settings(port)) as stage:
            assert stage.mqtt.health() == {"name": "mqtt", "state": "connecting", "tools": 0, "reason": ""}
            await log.until(f"The MQTT broker at 127.0.0.1:{port} cannot be used (")
            assert stage.mqtt.health() == {"name": "mqtt", "state": "down", "tools": 0, "reason": log.lines[-1]}
