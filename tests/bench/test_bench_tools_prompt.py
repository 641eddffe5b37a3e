"""What is counted of tools: all that is sent of them, by the code that sends it."""

from __future__ import annotations

import json

from bench.tools_prompt import home_specs, own_specs, prompt, wire


def test_what_is_counted_is_what_is_sent() -> None:
    sent = json.loads(wire(own_specs()))
    assert [tool["name"] for tool in sent] == sorted(spec.name for spec in own_specs())
    assert all(tool["type"] == "function" and tool["description"] for tool in sent)
    assert not [tool for tool in sent if "phrases" in json.dumps(tool)], "phrases are for the device alone"


def test_a_home_comes_to_the_speakers_own_tools() -> None:
    found = prompt(len)["kinds"]
    own, tiny, demo = (found[kind] for kind in ("own", "tiny_home", "demo_home"))
    assert own["tools"] < tiny["tools"] < demo["tools"]
    assert own["tokens"] < tiny["tokens"] < demo["tokens"]


def test_a_homes_tools_are_named_as_models_know_them() -> None:
    offered = [{"name": "HassTurnOn", "description": "Turn on", "schema": {"type": "object", "properties": {}}}]
    assert [spec.name for spec in home_specs(offered)] == ["home_HassTurnOn"]
