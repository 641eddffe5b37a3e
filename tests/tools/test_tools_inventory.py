"""What a model may call, and what becomes of a call: the same as the policy itself says of every call."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from speakerd.core.default_policy import DEFAULT_POLICY
from speakerd.core.policy import Asked, PolicyRule, Verdict, rules_for, ruling
from speakerd.ports import ToolSpec
from speakerd.tools.inventory import inventory
from speakerd.tools.tool import parameters

MINE = (PolicyRule("get_*", Verdict.BUTTON), PolicyRule("home_HassTurnOff", Verdict.CONFIRM, (("domain", "lock"),)))


def spec(name: str) -> ToolSpec:
    return ToolSpec(name, f"Does {name}.", parameters())


def test_rules_of_mine_and_of_ours() -> None:
    time, off, shell = inventory((*MINE, *DEFAULT_POLICY), map(spec, ("get_time", "home_HassTurnOff", "run_shell")))
    assert time == {"name": "get_time", "description": "Does get_time.", "verdict": "button", "rules": []}
    assert off["verdict"] == "allow"
    assert isinstance(off["rules"], list)
    assert off["rules"][0] == {"verdict": "confirm", "where": ["domain=lock"], "unless": []}
    assert [rule for rule in off["rules"] if rule["unless"] and "domain=light|switch|" in rule["unless"][0]]
    assert (shell["verdict"], shell["rules"]) == ("deny", [])


RULES = st.builds(
    PolicyRule,
    st.sampled_from(["*", "a*", "ab", "*b"]),
    st.sampled_from(Verdict),
    st.sampled_from([(), (("x", "1"),), (("*", "2*"),)]),
    st.sampled_from([(), (("y", ("1", "22")),)]),
)


@given(
    st.lists(RULES, max_size=5).map(tuple),
    st.sampled_from(["ab", "a", "b", "c"]),
    st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from(["1", "2", "22"])), max_size=2).map(tuple),
)
def test_what_is_shown_of_a_tool_decides_every_call_of_it(
    rules: tuple[PolicyRule, ...], tool: str, arguments: tuple[tuple[str, str], ...]
) -> None:
    asked = Asked(tool, arguments)
    shown = rules_for(rules, tool)
    assert ruling(shown, asked) == ruling(rules, asked)
    assert not shown[-1].arguments
    assert not shown[-1].unless
