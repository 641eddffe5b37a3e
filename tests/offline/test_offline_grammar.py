"""Templates: what can be written, what they match, and the automaton that accepts the same and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakerd.errors import ConfigurationError
from speakerd.offline.grammar import Choice, Node, Parameter, Series, Word, filled, heard, matches, parse
from speakerd.offline.grammar_automaton import Automaton, automaton
from speakerd.offline.grammar_commands import command_in, commands, derived_phrases
from speakerd.offline.grammar_values import number_words, spoken_values, words_of
from speakerd.ports import ToolSpec

ROOM = {"type": "string", "enum": ["kitchen", "living_room"]}
MINUTES = {"type": "integer", "minimum": 1, "maximum": 180}
POWER = {"type": "boolean"}
SCHEMAS: dict[str, object] = {"room": ROOM, "minutes": MINUTES, "power": POWER}


def tree(template: str) -> Node:
    node = filled(parse(template), SCHEMAS)
    assert node is not None
    return node


def tool(name: str, *phrases: str, required: tuple[str, ...] = (), **properties: object) -> ToolSpec:
    return ToolSpec(name, "", {"type": "object", "properties": properties, "required": list(required)}, phrases)


@pytest.mark.parametrize(
    ("template", "node"),
    [
        ("Stop", Word("stop")),
        ("stop now", Series((Word("stop"), Word("now")))),
        ("(a|b c)", Choice((Word("a"), Series((Word("b"), Word("c")))))),
        ("a|b", Choice((Word("a"), Word("b")))),
        ("[now] go", Series((Choice((Word("now"), Series(()))), Word("go")))),
        ("to { room }", Series((Word("to"), Parameter("room", {})))),
        ("x[(y)]z", Series((Word("x"), Choice((Word("y"), Series(()))), Word("z")))),
        ("what's", Choice((Word("what's"), Series((Word("what"), Word("is")))))),
        ("5 min", Series((Word("five"), Word("minutes")))),
    ],
)
def test_a_template_becomes_a_tree(template: str, node: Node) -> None:
    assert parse(template) == node


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("", "it has no words"),
        ("  ?! ", "it has no words"),
        ("turn (on|off", '"(" is not closed'),
        ("turn [on", '"[" is not closed'),
        ("turn [on)", '"[" is not closed'),
        ("turn on)", '")" closes nothing'),
        ("(on|)", 'an option beside "|" is empty'),
        ("turn ()", '"(" has nothing inside'),
        ("in {}", "a {parameter} is not closed or has no name"),
        ("in {room", "a {parameter} is not closed or has no name"),
    ],
)
def test_a_mistake_in_a_template_is_one_sentence(template: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(template)
    assert str(caught.value) == f'The phrase "{template}" cannot be read: {fault}.'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Turn ON the lights!", "turn on the lights"),
        ("What\N{RIGHT SINGLE QUOTATION MARK}s the time?", "what is the time"),
        ("5 minutes", "five minutes"),
        ("21% & 101", "twenty one percent and one hundred one"),
        ("19.5 degrees", "nineteen point five degrees"),
        ("10min", "ten minutes"),
        ("99999", "99999"),
        ("5:30", "five thirty"),
        ("don't", "do not"),
        ("\N{ARABIC-INDIC DIGIT FIVE}", "\N{ARABIC-INDIC DIGIT FIVE}"),
    ],
)
def test_typed_text_becomes_words(text: str, words: str) -> None:
    assert " ".join(words_of(text)) == words


@given(st.text(max_size=80))
def test_any_text_has_words(text: str) -> None:
    assert words_of(" ".join(words_of(text))) == words_of(text)


@pytest.mark.parametrize(
    ("schema", "some", "absent"),
    [
        (ROOM, {"kitchen": "kitchen", "living room": "living_room"}, ["living_room"]),
        (MINUTES, {"one": 1, "twenty one": 21, "one hundred and five": 105, "a hundred": 100}, ["zero", "two hundred"]),
        ({"type": "integer"}, {"zero": 0, "one hundred": 100}, ["one hundred one"]),
        ({"type": "integer", "minimum": -5, "maximum": 5}, {"minus five": -5, "five": 5}, ["six", "minus six"]),
        ({"type": "integer", "maximum": 10**9}, {"two thousand": 2000, "one thousand and one": 1001}, []),
        ({"type": "number", "maximum": 30}, {"nineteen point five": 19.5, "two and a half": 2.5}, ["thirty point one"]),
        (POWER, {"on": True, "no": False}, ["maybe"]),
        ({"enum": [1, 2, None]}, {"one": 1, "two": 2}, ["three"]),
        ({"const": "eco_mode"}, {"eco mode": "eco_mode"}, []),
        ({"type": ["integer", "null"], "maximum": 3}, {"three": 3}, ["four"]),
        ({"type": "string", "examples": ["pasta"]}, {"pasta": "pasta"}, []),
        ({"type": "string"}, {}, ["anything"]),
        ({"type": "integer", "minimum": 5, "maximum": 4}, {}, ["four", "five"]),
    ],
)
def test_values_are_said_by_their_schema(schema: dict[str, object], some: dict[str, object], absent: list[str]) -> None:
    values = spoken_values(schema)
    assert {words: values.get(words) for words in some} == some
    assert not set(absent) & set(values)
    assert some or not values


@given(st.integers(-2000, 2000))
def test_a_number_is_read_back(number: int) -> None:
    assert spoken_values({"type": "integer", "minimum": -2000, "maximum": 2000})[number_words(number)] == number


Sample = tuple[str, str, dict[str, object]]
"""A template, a sentence that it allows, and the arguments that belong to it."""

VALUES: dict[str, dict[str, object]] = {
    "room": {"kitchen": "kitchen", "living room": "living_room"},
    "minutes": {"five": 5, "twenty one": 21, "one hundred and five": 105},
    "power": {"on": True, "off": False},
}
plain: st.SearchStrategy[Sample] = st.sampled_from(["turn", "the", "what's", "light", "for", "five", "on"]).map(
    lambda word: (word, word, {})
)


def _parameter(name: str) -> st.SearchStrategy[Sample]:
    return st.sampled_from(sorted(VALUES[name])).map(lambda said: (f"{{{name}}}", said, {name: VALUES[name][said]}))


def _in_a_row(samples: list[Sample]) -> Sample:
    together: dict[str, object] = {}
    for _, _, arguments in samples:
        together |= arguments
    return (" ".join(s[0] for s in samples), " ".join(filter(None, (s[1] for s in samples))), together)


def _consistent(samples: list[Sample]) -> bool:
    pairs = [pair for _, _, arguments in samples for pair in arguments.items()]
    return all(a[1] == b[1] for a in pairs for b in pairs if a[0] == b[0])


def _nested(inner: st.SearchStrategy[Sample]) -> st.SearchStrategy[Sample]:
    optional = st.tuples(inner, st.booleans()).map(lambda p: (f"[{p[0][0]}]", *(p[0][1:] if p[1] else ("", {}))))
    choice = st.tuples(inner, inner).map(lambda p: (f"({p[0][0]}|{p[1][0]})", *p[1][1:]))
    return optional | choice | st.lists(inner, min_size=1, max_size=4).filter(_consistent).map(_in_a_row)


leaf = plain | st.one_of([_parameter(name) for name in VALUES])
sample = st.recursive(leaf, _nested, max_leaves=12)


@given(sample)
def test_every_sentence_of_a_template_matches_back_to_its_arguments(drawn: Sample) -> None:
    template, sentence, arguments = drawn
    assert arguments in list(matches(tree(template), words_of(sentence)))


@given(sample)
def test_the_automaton_accepts_every_sentence_of_a_template(drawn: Sample) -> None:
    template, sentence, _ = drawn
    assert accepts(automaton([tree(template)]), sentence.split())


def accepts(grammar: Automaton, words: list[str]) -> bool:
    state = 0
    for word in words:
        if word not in grammar.arcs[state]:
            return False
        state = grammar.arcs[state][word]
    return state in grammar.finals


def sentences(grammar: Automaton, state: int = 0) -> Iterator[str]:
    if state in grammar.finals:
        yield ""
    for word, target in grammar.arcs[state].items():
        yield from (f"{word} {rest}".strip() for rest in sentences(grammar, target))


def test_the_automaton_accepts_nothing_else_and_is_small() -> None:
    grammar = automaton([tree("[please] turn {power} [the] light"), tree("turn the light (on|off)"), tree("stop")])
    switch = [f"turn {power} {the}light" for power in spoken_values(POWER) for the in ("", "the ")]
    expected = {*switch, *(f"please {said}" for said in switch), "turn the light on", "turn the light off", "stop"}
    assert sorted(sentences(grammar)) == sorted(expected)
    assert len({(state in grammar.finals, *arcs.items()) for state, arcs in enumerate(grammar.arcs)}) == 9
    assert len(grammar.arcs) == 9


@pytest.mark.parametrize(
    ("text", "freely", "found"),
    [
        ("turn on the kitchen light", False, ("set_light", {"power": True, "room": "kitchen"})),
        ("hey jarvis turn on the kitchen light", False, ("set_light", {"power": True, "room": "kitchen"})),
        (
            "okay computer would you turn off the kitchen light please",
            False,
            ("set_light", {"power": False, "room": "kitchen"}),
        ),
        ("okay computer could you please turn the living room light off please", False, None),
        (
            "could you please turn on the living room light please",
            False,
            ("set_light", {"power": True, "room": "living_room"}),
        ),
        ("Turn on my kitchen light now, thanks!", True, ("set_light", {"power": True, "room": "kitchen"})),
        ("turn on kitchen light", False, None),
        ("turn on kitchen light", True, ("set_light", {"power": True, "room": "kitchen"})),
        ("timer 5 min", True, ("set_timer", {"minutes": 5})),
        ("turn on the kitchen light and dance", True, None),
        ("please", True, None),
        ("", True, None),
    ],
)
def test_commands_are_found_in_text(text: str, freely: bool, found: tuple[str, dict[str, object]] | None) -> None:
    known = commands(
        [
            tool("set_light", "turn {power} the {room} light", room=ROOM, power=POWER),
            tool("set_timer", "[set a] timer [for] {minutes} minutes", minutes=MINUTES),
        ]
    )
    assert command_in(text, known, freely) == found


def test_what_cannot_be_said_takes_along_what_depends_on_it(caplog: pytest.LogCaptureFixture) -> None:
    note = {"type": "string"}
    spec = tool("add", "note {text}", "timer [called {text}]", "(use {text}|go) now", "broken (", text=note)
    with caplog.at_level(logging.WARNING):
        known = commands([spec])
    assert [sorted(sentences(automaton([command.phrase]))) for command in known] == [["timer"], ["go now"]]
    assert caplog.messages == [
        'A phrase of the tool add is left out: The phrase "broken (" cannot be read: "(" is not closed.'
    ]


def test_a_recogniser_that_lacks_a_word_loses_only_what_needs_it() -> None:
    node = heard(tree("turn on the [big] (light|heizung) in the {room}"), lambda word: word not in ("heizung", "big"))
    assert node is not None
    kept = set(sentences(automaton([node])))
    assert kept == {"turn on the light in the kitchen", "turn on the light in the living room"}
    assert heard(tree("heizung"), lambda word: False) is None


def test_large_numbers_are_heard_in_tens_only() -> None:
    node = heard(tree("{minutes}"), lambda word: True)
    assert node is not None
    kept = set(sentences(automaton([node])))
    assert {"one", "one hundred twenty", "one hundred eighty"} <= kept
    assert not {"one hundred twenty one", "a hundred", "one hundred and eighty"} & kept


@pytest.mark.parametrize(
    ("spec", "text", "arguments"),
    [
        (tool("get_weather", city=ROOM, required=("city",)), "what is the weather in kitchen", {"city": "kitchen"}),
        (
            tool("get_weather", city=ROOM, required=("city",)),
            "get the weather for city living room",
            {"city": "living_room"},
        ),
        (tool("startVacuum"), "hey jarvis start the vacuum please", {}),
        (tool("set-heating", degrees=MINUTES, required=("degrees",)), "set heating to twenty one", {"degrees": 21}),
        (tool("set-heating", degrees=MINUTES), "set the heating", {}),
    ],
)
def test_a_tool_without_phrases_is_called_by_its_name(spec: ToolSpec, text: str, arguments: dict[str, object]) -> None:
    assert command_in(text, commands([spec]), freely=False) == (spec.name, arguments)


def test_a_tool_that_needs_free_text_has_no_phrase() -> None:
    assert commands([tool("add_note", text={"type": "string"}, required=("text",))]) == ()
    assert derived_phrases(ToolSpec("_", "", {})) == ()
