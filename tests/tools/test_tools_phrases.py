"""The phrases of the everyday tools: well formed, and what people really say means exactly one tool."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from everyday import everyday_specs
from speakerd.core.state import END_CONVERSATION
from speakerd.offline.grammar import filled, matches, parse
from speakerd.offline.grammar_commands import commands
from speakerd.offline.grammar_values import words_of
from speakerd.ports import ToolSpec

SPECS = everyday_specs()
PHRASES = [(spec, phrase) for spec in SPECS for phrase in spec.phrases]


def properties(spec: ToolSpec) -> Mapping[str, Mapping[str, object]]:
    known = spec.parameters["properties"]
    assert isinstance(known, dict)
    return known


COMMANDS = commands(SPECS)


def meanings(utterance: str) -> list[tuple[str, dict[str, object]]]:
    """The different (tool, arguments) that an utterance can mean to the offline assistant."""
    found: list[tuple[str, dict[str, object]]] = []
    for command in COMMANDS:
        for arguments in matches(command.sentence, words_of(utterance)):
            if (command.tool, arguments) not in found:
                found.append((command.tool, arguments))
    return found


@pytest.mark.parametrize(("spec", "phrase"), PHRASES, ids=[phrase for _, phrase in PHRASES])
def test_a_phrase_is_well_formed_and_names_only_parameters_of_its_tool(spec: ToolSpec, phrase: str) -> None:
    assert set(re.findall(r"\{([a-z_]+)\}", phrase)) <= set(properties(spec))
    assert filled(parse(phrase), properties(spec)) is not None
    required = spec.parameters.get("required", [])
    assert isinstance(required, list)
    assert all(f"{{{name}}}" in phrase for name in required)


@pytest.mark.parametrize("spec", SPECS, ids=[spec.name for spec in SPECS])
def test_a_tool_has_phrases_and_each_of_its_parameters_can_be_said(spec: ToolSpec) -> None:
    assert spec.phrases
    assert len(set(spec.phrases)) == len(spec.phrases)
    assert all(any(f"{{{name}}}" in phrase for phrase in spec.phrases) for name in properties(spec))
    assert spec.description.endswith(".")
    assert spec.parameters["additionalProperties"] is False


@pytest.mark.parametrize(
    ("utterance", "name", "arguments"),
    [
        ("turn on the kitchen light", "set_light", {"power": "on", "room": "kitchen"}),
        ("please switch the bedroom light off", "set_light", {"power": "off", "room": "bedroom"}),
        ("turn the light in the hall on please", "set_light", {"power": "on", "room": "hall"}),
        ("switch off the lights in the living room", "set_light", {"power": "off", "room": "living room"}),
        ("kitchen lights off", "set_light", {"power": "off", "room": "kitchen"}),
        (
            "dim the living room light to thirty percent",
            "set_light",
            {"room": "living room", "brightness_percent": 30},
        ),
        ("set the hall lamp to seventy five", "set_light", {"room": "hall", "brightness_percent": 75}),
        ("turn the kitchen lights down to ten percent", "set_light", {"room": "kitchen", "brightness_percent": 10}),
        ("turn off all the lights", "set_all_lights", {"power": "off"}),
        ("switch all of the lights on", "set_all_lights", {"power": "on"}),
        ("turn everything off", "set_all_lights", {"power": "off"}),
        ("lights on", "set_all_lights", {"power": "on"}),
        ("which lights are on", "get_lights", {}),
        ("are any lights on", "get_lights", {}),
        ("is the bedroom light on", "get_lights", {"room": "bedroom"}),
        ("set a timer for five minutes", "set_timer", {"minutes": 5}),
        ("start a timer for one hour", "set_timer", {"hours": 1}),
        ("set a timer for two minutes and thirty seconds", "set_timer", {"minutes": 2, "seconds": 30}),
        ("set a timer for one hour and fifteen minutes", "set_timer", {"hours": 1, "minutes": 15}),
        ("set a pasta timer for ten minutes", "set_timer", {"label": "pasta", "minutes": 10}),
        ("set a timer for eight minutes for the pizza", "set_timer", {"label": "pizza", "minutes": 8}),
        ("set a twenty minute timer", "set_timer", {"minutes": 20}),
        ("timer for ninety seconds", "set_timer", {"seconds": 90}),
        ("cancel the timer", "cancel_timer", {}),
        ("stop the pasta timer", "cancel_timer", {"label": "pasta"}),
        ("cancel all timers", "cancel_all_timers", {}),
        ("how much time is left", "check_timers", {}),
        ("how long is left on the pasta timer", "check_timers", {"label": "pasta"}),
        ("how much time has the egg timer got left", "check_timers", {"label": "egg"}),
        ("what timers do i have", "check_timers", {}),
        ("what time is it", "get_time", {}),
        ("what's the time please", "get_time", {}),
        ("can you tell me what time it is", "get_time", {}),
        ("what day is it", "get_date", {}),
        ("what's the date today", "get_date", {}),
        ("turn the volume up", "volume_up", {}),
        ("turn it up", "volume_up", {}),
        ("louder please", "volume_up", {}),
        ("turn down the volume", "volume_down", {}),
        ("a bit quieter", "volume_down", {}),
        ("set the volume to forty percent", "set_volume", {"percent": 40}),
        ("turn the volume down to twenty", "set_volume", {"percent": 20}),
        ("volume fifty percent", "set_volume", {"percent": 50}),
        ("what's the volume", "get_volume", {}),
        ("what did this cost", "get_cost", {}),
        ("what did it cost me today", "get_cost", {}),
        ("how much does this cost", "get_cost", {}),
        ("how much money have we spent this month", "get_cost", {}),
        ("please how much have i spent today", "get_cost", {}),
        ("what have you spent", "get_cost", {}),
        ("wake me at seven", "set_alarm", {"hour": 7}),
        ("wake me up at 6:30 a.m.", "set_alarm", {"hour": 6, "minute": 30, "half": "am"}),
        ("wake me up at seven oh five in the morning", "set_alarm", {"hour": 7, "minute": 5, "half": "morning"}),
        ("wake me at ten past six on weekdays", "set_alarm", {"hour": 6, "minute": 10, "repeat": "weekdays"}),
        ("wake me every day at seven o'clock", "set_alarm", {"hour": 7, "repeat": "every day"}),
        ("set an alarm for half past six", "set_alarm", {"hour": 6, "minute": 30}),
        ("set an alarm for a quarter past six", "set_alarm", {"hour": 6, "minute": 15}),
        ("set my alarm for eight pm on monday", "set_alarm", {"hour": 8, "half": "pm", "repeat": "monday"}),
        ("set a gym alarm for six", "set_alarm", {"hour": 6, "label": "gym"}),
        ("cancel the alarm", "cancel_alarm", {}),
        ("turn off my gym alarm", "cancel_alarm", {"label": "gym"}),
        ("cancel the seven thirty alarm", "cancel_alarm", {"hour": 7, "minute": 30}),
        ("delete the alarm for seven p.m.", "cancel_alarm", {"hour": 7, "half": "pm"}),
        ("cancel all alarms", "cancel_all_alarms", {}),
        ("what alarms do i have", "check_alarms", {}),
        ("when is my next alarm", "check_alarms", {}),
        ("snooze", "snooze", {}),
        ("snooze for five minutes", "snooze", {"minutes": 5}),
        ("ten more minutes", "snooze", {"minutes": 10}),
        ("stop the alarm", "stop_ringing", {}),
        ("stop ringing", "stop_ringing", {}),
        ("announce dinner is ready", "announce", {"text": "dinner is ready"}),
        ("tell everybody that lunch is ready", "announce", {"text": "lunch is ready", "where": "everywhere"}),
        ("announce everywhere that dinner is ready", "announce", {"text": "dinner is ready", "where": "everywhere"}),
        ("what did you say before", "repeat", {}),
        ("repeat the announcement please", "repeat", {}),
        ("mute yourself", "mute_microphone", {}),
        ("turn off the microphone", "mute_microphone", {}),
        ("goodbye", END_CONVERSATION, {}),
        ("no thanks", END_CONVERSATION, {}),
        ("thank you that's all", END_CONVERSATION, {}),
        ("no that's everything thanks", END_CONVERSATION, {}),
        ("never mind", END_CONVERSATION, {}),
        ("stop", END_CONVERSATION, {}),
    ],
)
def test_what_people_say_means_one_thing(utterance: str, name: str, arguments: dict[str, object]) -> None:
    assert meanings(utterance) == [(name, arguments)]
