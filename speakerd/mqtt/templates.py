"""The owner's messages with places for a model's words, and why those can say nothing but their own. Pure.

A parameter in a topic must have choices, so that all topics are known from the beginning. One in a payload is escaped
for JSON. A payload that begins like JSON must be JSON with the letter x in the place of each string, which it can only
be where all of them stand between quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from speakerd.errors import ConfigurationError
from speakerd.settings_mqtt import MqttParameter

Arguments = Mapping[str, object]

MOST_TOPIC_BYTES = 512
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
"""What a tool and a parameter may be called."""

_PLACE = re.compile(r"\{([a-z][a-z0-9_]{0,59})\}")
_NO_TOPIC = re.compile(r"[+#\x00-\x1f\x7f]")


def payload(template: str, arguments: Arguments) -> bytes:
    """The message with the arguments in their places."""
    return _PLACE.sub(lambda place: _escaped(arguments[place[1]]), template).encode(errors="replace")


def topic(template: str, arguments: Arguments) -> str:
    """The topic with the arguments, which must be among their choices, in their places."""
    return _PLACE.sub(lambda place: str(arguments[place[1]]), template)


def check(key: str, topic_: str, payload_: str, parameters: Sequence[MqttParameter]) -> None:
    """Raises ConfigurationError for a template that could say something that the owner did not mean."""
    known = {parameter.name: parameter for parameter in parameters}
    used = _places(f"{key}.topic", topic_, known) | _places(f"{key}.payload", payload_, known)
    if unused := sorted(known.keys() - used):
        raise ConfigurationError(f'"{key}" has a parameter {unused[0]} that is neither in topic nor payload.')
    _check_topic(key, topic_, known)
    _check_json(key, payload_, known)


def check_topic(key: str, text: str) -> None:
    """Raises ConfigurationError for what is not the name of exactly one topic."""
    is_name = (
        text and not _NO_TOPIC.search(text) and not text.startswith("$") and len(text.encode()) <= MOST_TOPIC_BYTES
    )
    if not is_name:
        raise ConfigurationError(f'"{key}" must be one topic, without + and #, such as home/kitchen/light/set.')


def _places(key: str, template: str, known: Mapping[str, MqttParameter]) -> set[str]:
    places = {place[1] for place in _PLACE.finditer(template)}
    for name in sorted(places - known.keys()):
        raise ConfigurationError(f'"{key}" has a place for {{{name}}}, but there is no parameter of that name.')
    return places


def _check_topic(key: str, template: str, known: Mapping[str, MqttParameter]) -> None:
    for place in _PLACE.finditer(template):
        choices = known[place[1]].choices
        if not choices:
            raise ConfigurationError(f'"{key}.topic" must not have {place[0]}, which is no string with choices.')
        for choice in choices:
            check_topic(f"{key}.topic", choice)
    check_topic(f"{key}.topic", _PLACE.sub("x", template))
    longest = {name: max(known[name].choices, key=lambda choice: len(choice.encode())) for name in _names(template)}
    check_topic(f"{key}.topic", topic(template, longest))


def _names(template: str) -> set[str]:
    return {place[1] for place in _PLACE.finditer(template)}


def _check_json(key: str, template: str, known: Mapping[str, MqttParameter]) -> None:
    if not template.lstrip().startswith(("{", "[", '"')) or _PLACE.match(template.lstrip()):
        return
    try:
        json.loads(_PLACE.sub(lambda place: _SAMPLES[known[place[1]].type], template))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f'"{key}.payload" begins like JSON and is none: put "{{parameter}}" between quotes if it is a string.'
        ) from error


_SAMPLES = {"string": "x", "integer": "1", "number": "1.5", "boolean": "true"}


def _escaped(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text[1:-1] if isinstance(value, str) else text
