"""What words come to: tool calls with their arguments, small talk, and what is said about a tool's output."""

from __future__ import annotations

import pytest

from everyday import everyday_specs
from speakerd.offline.brain import Call, Part, Say
from speakerd.offline.small_talk import ANSWERS
from speakerd.offline.understanding import Phrasebook
from speakerd.ports import ToolSpec

TOOLS = everyday_specs()
WEATHER = ToolSpec(
    "get_weather",
    "Tells the weather.",
    {"type": "object", "properties": {"city": {"enum": ["paris", "new_york"]}}, "required": ["city"]},
)


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("turn on the kitchen light", "set_light", {"room": "kitchen", "power": "on"}),
        ("Hey Jarvis, could you please turn the bedroom light off?", "set_light", {"room": "bedroom", "power": "off"}),
        ("dim the living room light to 30%", "set_light", {"room": "living room", "brightness_percent": 30}),
        ("set a timer for five minutes", "set_timer", {"minutes": 5}),
        ("Set a timer for 5 minutes!", "set_timer", {"minutes": 5}),
        ("set a pasta timer for ten minutes", "set_timer", {"minutes": 10, "label": "pasta"}),
        ("what time is it", "get_time", {}),
        ("What's the time?", "get_time", {}),
    ],
)
def test_a_command_is_a_call(text: str, name: str, arguments: dict[str, object]) -> None:
    (part,) = Phrasebook().answer(text, TOOLS)
    assert part == Call(name, arguments)


def test_a_strangers_tool_is_understood_by_its_name() -> None:
    for text in ("what is the weather in new york", "get weather paris"):
        (part,) = Phrasebook().answer(text, [WEATHER])
        assert isinstance(part, Call)
        assert part.arguments == {"city": "new_york" if "new" in text else "paris"}


@pytest.mark.parametrize("text", ["goodbye", "stop", "never mind", "that's all"])
def test_goodbye_ends_the_conversation_where_that_can_be(text: str) -> None:
    assert Phrasebook().answer(text, TOOLS) == [Say("Goodbye."), Call("end_conversation", {})]
    assert Phrasebook().answer(text, []) == [Say("Goodbye.")]


@pytest.mark.parametrize("text", ["tell me a story", "how does a rainbow form", "tell me about the raspberry pi"])
def test_long_answers_are_long_enough_to_be_interrupted(text: str) -> None:
    (said,) = Phrasebook().answer(text, TOOLS)
    assert isinstance(said, Say)
    assert len(said.text.split()) >= 100
    assert said.text in [answer for answers in ANSWERS.values() for answer in answers]


def test_what_is_not_understood_is_said_politely_and_in_turn() -> None:
    book = Phrasebook()
    answers = [book.answer(text, []) for text in ("", "the moon is made of cheese", "xyzzy", "")]
    assert all(isinstance(part, Say) for (part,) in answers)
    assert answers[0] != answers[1] != answers[2]
    assert answers[3] == answers[0]


def test_it_does_not_talk_with_a_television_for_ever() -> None:
    book = Phrasebook()
    quiet = [Say("I will be quiet now."), Call("end_conversation", {})]
    assert [book.answer("", TOOLS) == quiet for _ in range(3)] == [False, False, True]
    assert book.answer("stop", TOOLS)[0] == Say("Goodbye.")
    assert book.answer("", TOOLS) != quiet, "who was understood has new chances"


def test_it_can_say_what_it_can_do_and_repeat_itself() -> None:
    book = Phrasebook()
    assert list(book.answer("say that again", TOOLS)) == [Call("repeat", {})]
    assert list(Phrasebook().answer("say that again", [])) == [Say("I have not said anything yet.")]
    (helping,) = book.answer("what can you do", [WEATHER])
    assert helping == Say("This is what I can do. Tells the weather. I can also tell you a story.")
    assert book.answer("repeat that", TOOLS) == [helping]


def spoken(parts: list[Part] | tuple[Part, ...]) -> str:
    (part,) = parts
    assert isinstance(part, Say)
    return part.text


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (["The kitchen light is on."], "The kitchen light is on."),
        (["One.", "Two."], "One. Two."),
        (["error: There is no pasta timer."], "Sorry, that did not work. There is no pasta timer."),
        (['{"message": "It rains."}'], "It rains."),
        (['{"answer": "Yes."}'], "Yes."),
        (['{"wind_speed": 5, "sky": "blue"}'], "wind speed: 5. sky: blue."),
        (["[1, 2]"], "[1, 2]"),
        ([""], "Done."),
    ],
)
def test_an_output_is_spoken(outputs: list[str], said: str) -> None:
    assert spoken(list(Phrasebook().report([("tool", output) for output in outputs]))) == said


def test_a_long_output_is_cut() -> None:
    said = spoken(list(Phrasebook().report([("tool", "word " * 500)])))
    assert len(said.split()) == 63
    assert said.endswith("word and so on.")
