"""What a model may do out of the box, and what not."""

from __future__ import annotations

import pytest

from speakerd.core.default_policy import DEFAULT_POLICY
from speakerd.core.policy import Asked, Verdict, ruling

Texts = tuple[tuple[str, str], ...]
DOMAIN, CLASS = "domain", "device_class"


def of(**arguments: str) -> Texts:
    return tuple(arguments.items())


ALLOW, BUTTON, DENY = Verdict.ALLOW, Verdict.BUTTON, Verdict.DENY


@pytest.mark.parametrize(
    ("tool", "texts", "expected"),
    [
        # Off unlocks and disarms; a name tells nothing of what has it.
        ("home_HassTurnOff", of(name="Front door", domain="lock"), DENY),
        ("home_HassTurnOff", of(name="front door lock"), DENY),
        ("home_HassTurnOff", of(name="Kitchen light"), DENY),
        ("home_HassTurnOff", of(area="hall"), DENY),
        ("home_HassTurnOff", of(floor="ground floor"), DENY),
        ("home_HassTurnOff", (("area", "hall"), (DOMAIN, "light"), (DOMAIN, "lock")), DENY),
        ("home_HassTurnOff", of(name="alarm", domain="alarm_control_panel"), DENY),
        ("home_HassTurnOff", of(area="kitchen", domain="light"), ALLOW),
        ("home_HassTurnOff", of(name="Clock light", domain="Light"), ALLOW),
        ("home_HassTurnOff", of(name="Garage", domain="cover"), ALLOW),  # this closes it
        ("home_HassTurnOff", of(name="Outdoor lights", domain="light"), ALLOW),
        # On opens covers, and locks locks.
        ("home_HassTurnOn", of(name="Front door", domain="lock"), ALLOW),
        ("home_HassTurnOn", of(name="Kitchen light", domain="light"), ALLOW),
        ("home_HassTurnOn", of(name="Garage light", domain="light"), ALLOW),
        ("home_HassTurnOn", of(name="Garage"), DENY),
        ("home_HassTurnOn", of(name="Kitchen light"), DENY),
        ("home_HassTurnOn", of(name="x", domain="cover"), DENY),
        ("home_HassTurnOn", of(name="x", domain="cover", device_class="garage"), DENY),
        ("home_HassTurnOn", ((DOMAIN, "cover"), (CLASS, "blind"), (CLASS, "garage")), DENY),
        ("home_HassTurnOn", of(area="bedroom", domain="cover", device_class="blind"), ALLOW),
        ("home_HassTurnOn", of(name="Garage opener", domain="switch"), DENY),
        ("home_HassTurnOn", of(name="Heater", domain="switch"), ALLOW),
        ("home_HassTurnOn", of(name="siren", domain="siren"), DENY),
        ("home_HassTurnOn", of(name="movie", domain="scene"), BUTTON),
        ("home_HassTurnOn", of(name="open up", domain="script"), BUTTON),
        ("home_HassTurnOn", of(name="opener", domain="input_button"), BUTTON),
        ("home_HassTurnOn", ((DOMAIN, "scene"), (DOMAIN, "cover")), DENY),
        ("home_HassToggle", of(name="x", domain="lock"), DENY),
        ("home_HassToggle", of(name="x"), DENY),
        ("home_HassToggle", of(name="x", domain="light"), ALLOW),
        ("home_HassSetPosition", of(name="left", position="100"), DENY),
        ("home_HassSetPosition", of(name="left", position="100", device_class="garage"), DENY),
        ("home_HassSetPosition", of(name="left", position="50", device_class="blind"), ALLOW),
        ("home_HassOpenCover", of(name="left"), DENY),
        ("home_HassOpenCover", of(name="left", device_class="curtain"), ALLOW),
        ("home_HassLightSet", of(name="Garage", brightness="50"), ALLOW),
        ("home_HassVacuumStart", of(name="x"), ALLOW),
        ("home_GetLiveContext", (), ALLOW),
        ("home_todo_get_items", of(todo_list="shopping"), ALLOW),
        # A script of the home is a tool of its own.
        ("home_movie_time", (), BUTTON),
        ("home_open_the_gate", (), DENY),
        # The same tools by another server, and other versions' names.
        ("ha_intent__HassTurnOff", of(name="x"), DENY),
        ("ha_intent__HassTurnOff_0a1b2c3d", of(name="x"), DENY),
        ("HASSTURNOFF", of(name="x"), DENY),
        ("ha_call_service", of(domain="lock", service="unlock"), DENY),
        ("ha_call_service", of(service="lock.unlock"), DENY),
        ("ha_call_service", of(domain="lock", service="turn_off"), DENY),
        ("ha_call_service", of(service="homeassistant.turn_off", entity_id="lock.front"), DENY),
        ("ha_call_service", of(service="homeassistant.toggle", entity_id="cover.garage"), DENY),
        ("ha_call_service", of(domain="cover", service="open_cover"), DENY),
        ("ha_call_service", of(service="shell_command.reboot"), DENY),
        ("ha_call_service", of(domain="lock", service="lock"), ALLOW),
        ("ha_call_service", of(service="light.turn_off", entity_id="light.kitchen"), ALLOW),
        # Tools of which only the words are known.
        ("cover_open", of(name="back door"), DENY),
        ("cover_open", of(name="living room blinds"), ALLOW),
        ("open_garage", (), DENY),
        ("front_door_open", (), DENY),
        ("mqtt_garage", of(action="open"), DENY),
        ("mqtt_garage", of(action="close"), ALLOW),
        ("lock_set", of(state="unlocked"), DENY),
        ("lock_unlock", (), DENY),
        ("alarm_disarm", (), DENY),
        ("panel_set", of(mode="disarmed"), DENY),
        ("buy_now", (), DENY),
        ("buyItem", (), DENY),
        ("shop_buy", (), DENY),
        ("pizza_place_order", (), DENY),
        ("bank_pay_bill", (), DENY),
        ("run_shell", (), DENY),
        ("exec_command", (), DENY),
        # The speaker's own.
        ("set_timer", of(minutes="5", name="unlock the shed"), ALLOW),
        ("set_alarm", of(time="07:00"), ALLOW),
        ("announce", of(text="the door is open"), ALLOW),
        ("set_volume", of(percent="50"), ALLOW),
        ("clock", (), ALLOW),
    ],
)
def test_out_of_the_box(tool: str, texts: Texts, expected: Verdict) -> None:
    assert ruling(DEFAULT_POLICY, Asked(tool, texts)).verdict is expected


def test_what_could_be_said_better_is_refused_with_advice() -> None:
    rule = ruling(DEFAULT_POLICY, Asked("home_HassTurnOff", of(area="kitchen")))
    assert "domain" in rule.advice
    assert "light" in rule.advice
    assert "lock" not in rule.advice
