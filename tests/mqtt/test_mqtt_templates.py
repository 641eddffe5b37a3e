"""Messages with places: a model's words can be nothing but words in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.errors import ConfigurationError
from speakerd.mqtt.templates import check, payload, topic
from speakerd.settings_mqtt import MqttParameter

ROOM = MqttParameter("room", choices=("kitchen", "hall/upper"))
TEXT = MqttParameter("text")
LEVEL = MqttParameter("level", "integer")
HEAT = MqttParameter("heat", "number")
OPEN = MqttParameter("open", "boolean")
HOME = "home/{room}/set"


@pytest.mark.parametrize(
    ("template", "arguments", "message"),
    [
        ("ON", {}, "ON"),
        ("{room}", {"room": "kitchen"}, "kitchen"),
        ('{"on": {open}, "level": {level}}', {"open": True, "level": 7}, '{"on": true, "level": 7}'),
        ('{"heat": {heat}}', {"heat": 21.5}, '{"heat": 21.5}'),
        ('{"say": "{text}"}', {"text": 'a "b" \\ c\n'}, '{"say": "a \\"b\\" \\\\ c\\n"}'),
        ('{"say": "{text}"}', {"text": '", "unlock": "all'}, '{"say": "\\", \\"unlock\\": \\"all"}'),
        ('{"say": "{text}"}', {"text": "{room}"}, '{"say": "{room}"}'),
        ("{text}", {"text": "für Zoë \ud800"}, "für Zoë ?"),
        ("{ }{}{Text}", {}, "{ }{}{Text}"),
    ],
)
def test_the_arguments_take_their_places(template: str, arguments: dict[str, object], message: str) -> None:
    assert payload(template, arguments) == message.encode()


def test_choices_make_the_topic() -> None:
    assert topic(HOME, {"room": "hall/upper"}) == "home/hall/upper/set"


MISTAKES = [
    ("home/#", "", (), '"t.topic" must be one topic, without + and #, such as home/kitchen/light/set.'),
    ("", "", (), '"t.topic" must be one topic, without + and #, such as home/kitchen/light/set.'),
    ("$SYS/x", "", (), '"t.topic" must be one topic, without + and #, such as home/kitchen/light/set.'),
    ("home/" + "x" * 600, "", (), '"t.topic" must be one topic, without + and #, such as home/kitchen/light/set.'),
    (HOME, "", (), '"t.topic" has a place for {room}, but there is no parameter of that name.'),
    ("home", "{room}", (), '"t.payload" has a place for {room}, but there is no parameter of that name.'),
    ("home/{text}", "", (TEXT,), '"t.topic" must not have {text}, which is no string with choices.'),
    ("home/{level}", "", (LEVEL,), '"t.topic" must not have {level}, which is no string with choices.'),
    (
        "home/{room}",
        "",
        (MqttParameter("room", choices=("kitchen", "+")),),
        '"t.topic" must be one topic, without + and #, such as home/kitchen/light/set.',
    ),
    (
        "home/{room}",
        "",
        (MqttParameter("room", choices=("kitchen", "")),),
        '"t.topic" must be one topic, without + and #, such as home/kitchen/light/set.',
    ),
    (
        "home/{room}",
        "",
        (MqttParameter("room", choices=("k", "x" * 510)),),
        '"t.topic" must be one topic, without + and #, such as home/kitchen/light/set.',
    ),
    ("home", "ON", (TEXT,), '"t" has a parameter text that is neither in topic nor payload.'),
    *(
        (
            "home",
            template,
            (TEXT, LEVEL),
            '"t.payload" begins like JSON and is none: put "{parameter}" between quotes if it is a string.',
        )
        for template in (
            '{"say": {text}, "level": {level}}',
            '{"say": "{text}", "level": {level}',
            '["{text}", {level}, tru{text}]',
            '{"say": "\\{text}", "level": {level}}',
            '{"say": "\\u00{text}", "level": {level}}',
            ' "{level}" {text}',
        )
    ),
]


@pytest.mark.parametrize(("topic_", "payload_", "parameters", "sentence"), MISTAKES)
def test_a_mistake_is_one_sentence(
    topic_: str, payload_: str, parameters: tuple[MqttParameter, ...], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check("t", topic_, payload_, parameters)
    assert str(raised.value) == sentence


PIECES = st.lists(
    st.sampled_from(['"{text}"', "{level}", "{open}", '"a{text}b{text}"', "1", '"\\\\{text}"']), min_size=1
)
JSON = PIECES.map(lambda pieces: '{"all": [' + ", ".join(pieces) + "]}") | PIECES.map(lambda p: f"[{', '.join(p)}]")


@given(template=JSON, text=st.text(), level=st.integers(-1000, 1000), is_open=st.booleans())
def test_json_keeps_its_shape_and_its_words(template: str, text: str, level: int, is_open: bool) -> None:
    used = [each for each in (TEXT, LEVEL, OPEN) if f"{{{each.name}}}" in template]
    check("t", "home", template, used)
    message = json.loads(payload(template, {"text": text, "level": level, "open": is_open}))
    plain = json.loads(payload(template, {"text": "x", "level": 0, "open": False}))
    said, meant = (each["all"] if isinstance(each, dict) else each for each in (message, plain))
    words = {"x": text, "axbx": f"a{text}b{text}", "\\x": f"\\{text}"}
    for value, place in zip(said, meant, strict=True):
        if isinstance(place, str):
            assert value == words[place]
        else:
            assert type(value) is type(place)


ANY = st.text(alphabet='{}[]"\\:,u0x1 {text}', max_size=12)


@given(before=ANY, after=ANY, text=st.text(max_size=12))
def test_no_template_that_is_accepted_as_json_can_be_broken_by_a_word(before: str, after: str, text: str) -> None:
    template = f'["{before}{{text}}{after}"]'
    try:
        check("t", "home", template, (TEXT,))
    except ConfigurationError:
        return
    message, plain = (json.loads(payload(template, {"text": said})) for said in (text, "x"))
    assert len(message) == len(plain)
