"""The device that the home is shown: every entity, its own topics, and an id that is nobody else's."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from speakerd.core.lights import Light
from speakerd.core.state import State
from speakerd.mqtt.device import COMMANDS, Device, birth_topic, config, config_topic, unique_id
from speakerd.mqtt.status import Facts, status

KITCHEN = Device("kitchen", "Kitchen speaker", "1.2.3")
ENTITIES = {
    "state": ("sensor", "speakerd/kitchen/status", None),
    "cost_today": ("sensor", "speakerd/kitchen/status", None),
    "next_timer": ("sensor", "speakerd/kitchen/status", None),
    "wake": ("event", "speakerd/kitchen/wake", None),
    "mute": ("switch", "speakerd/kitchen/status", "speakerd/kitchen/mute/set"),
    "volume": ("number", "speakerd/kitchen/status", "speakerd/kitchen/volume/set"),
    "stop": ("button", None, "speakerd/kitchen/stop/set"),
    "announce": ("notify", None, "speakerd/kitchen/announce/set"),
}


def components(device: Device = KITCHEN) -> dict[str, dict[str, Any]]:
    document: dict[str, Any] = json.loads(json.dumps(config(device)))
    return document["components"]  # type: ignore[no-any-return]


def test_the_device_with_all_its_entities_is_one_message() -> None:
    found = {
        key: (each["platform"], each.get("state_topic"), each.get("command_topic"))
        for key, each in components().items()
    }
    assert found == ENTITIES
    assert config(KITCHEN)["device"] == {
        "identifiers": ["kitchen"],
        "name": "Kitchen speaker",
        "manufacturer": "speakerd",
        "model": "Smart speaker",
        "sw_version": "1.2.3",
    }
    assert config(KITCHEN)["availability_topic"] == "speakerd/kitchen/availability"
    assert config_topic(KITCHEN, "homeassistant") == "homeassistant/device/kitchen/config"
    assert birth_topic("homeassistant") == "homeassistant/status"


def test_every_command_has_an_entity_and_every_light_a_value() -> None:
    commands = {each.get("command_topic") for each in components().values()} - {None}
    assert commands == {KITCHEN.command_topic(name) for name in COMMANDS}
    assert components()["state"]["options"] == [light.value for light in Light]


def test_what_an_entity_reads_is_told() -> None:
    told = status(State(), Facts(0.5))
    for each in components().values():
        if "value_template" in each:
            key = each["value_template"].removeprefix("{{ value_json.").removesuffix(" }}")
            assert key in told


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_machines_have_two_ids_that_do_not_tell_their_secret(one: str, other: str) -> None:
    assert (unique_id(one, "pi") == unique_id(other, "pi")) is ((one.strip() or "pi") == (other.strip() or "pi"))
    assert len(unique_id(one, "pi")) == len("speakerd_") + 12
    assert components(Device(unique_id(one, "pi"), "", ""))["stop"]["unique_id"] == f"{unique_id(one, 'pi')}_stop"


def test_a_machine_without_an_id_is_known_by_its_name() -> None:
    assert unique_id("\n", "kitchen-pi") == unique_id("", "kitchen-pi") != unique_id("", "bedroom-pi")
