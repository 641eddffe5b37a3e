"""Settings: defaults, good input, every mistake as one exact sentence, and the example file in step with the code."""

from __future__ import annotations

import ast
import json
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from speakerd import settings
from speakerd.errors import ConfigurationError
from speakerd.settings import AudioSettings, EndpointSettings, Settings, WakeWordSettings, load, parse

EXAMPLE = Path(__file__).parents[1] / "systemd" / "speakerd.toml.example"


def test_nothing_set_is_the_defaults() -> None:
    assert parse({}) == Settings()


def test_what_is_set_replaces_its_default_alone() -> None:
    parsed = parse(
        {
            "board": "none",
            "wake_word": {"threshold": 1, "patience_frames": 3},
            "audio": {"duplex": "full"},
            "endpoint": {"name": "custom", "url": "ws://127.0.0.1:8080/v1/realtime"},
        }
    )
    assert parsed == replace(
        Settings(),
        board="none",
        wake_word=WakeWordSettings(threshold=1.0, patience_frames=3),
        audio=AudioSettings(duplex="full"),
        endpoint=EndpointSettings(name="custom", url="ws://127.0.0.1:8080/v1/realtime"),
    )
    assert type(parsed.wake_word.threshold) is float, "a whole number is good where a number is wanted"


SECTIONS = "wake_word, audio, endpoint, conversation, offline, tools, mcp, home_assistant, mqtt, budget, control"

MISTAKES: list[tuple[dict[str, object], str]] = [
    ({"bord": "none"}, 'unknown key "bord": did you mean "board"?'),
    ({"colour": "red"}, f'unknown key "colour": known keys are board, state_folder, {SECTIONS}.'),
    ({"wakeword": {}}, 'unknown key "wakeword": did you mean "wake_word"?'),
    ({"wake_word": {"treshold": 0.5}}, 'unknown key "wake_word.treshold": did you mean "wake_word.threshold"?'),
    (
        {"tools": {"unlock": True}},
        'unknown key "tools.unlock": known keys are demo_home, deadline_seconds, approval_seconds, '
        "waiting_cue_seconds, most_calls_per_minute, commands, policy.",
    ),
    ({"audio": "loud"}, '"audio" must be a table: write [audio].'),
    ({"board": 3}, '"board" must be a string, not 3.'),
    ({"wake_word": {"threshold": "high"}}, "\"wake_word.threshold\" must be a number, not 'high'."),
    ({"wake_word": {"threshold": True}}, '"wake_word.threshold" must be a number, not True.'),
    ({"wake_word": {"patience_frames": True}}, '"wake_word.patience_frames" must be a whole number, not True.'),
    ({"wake_word": {"patience_frames": 2.0}}, '"wake_word.patience_frames" must be a whole number, not 2.0.'),
    ({"conversation": {"follow_up": 1}}, '"conversation.follow_up" must be true or false, not 1.'),
    ({"audio": {"duplex": "both"}}, "\"audio.duplex\" must be one of 'auto', 'half', 'full', not 'both'."),
    ({"audio": {"duplex": 1}}, "\"audio.duplex\" must be one of 'auto', 'half', 'full', not 1."),
    ({"audio": {"volume": 1.5}}, '"audio.volume" must be from 0.0 to 1.0, not 1.5.'),
    ({"audio": {"volume": -0.1}}, '"audio.volume" must be from 0.0 to 1.0, not -0.1.'),
    ({"audio": {"volume": float("nan")}}, '"audio.volume" must be from 0.0 to 1.0, not nan.'),
    ({"audio": {"input_channel": 9}}, '"audio.input_channel" must be from 0 to 8, not 9.'),
    ({"audio": {"input_gain_db": 41}}, '"audio.input_gain_db" must be from -20.0 to 40.0, not 41.0.'),
    ({"audio": {"sample_format": "s24"}}, "\"audio.sample_format\" must be one of 's16', 's32', not 's24'."),
    ({"audio": {"preroll_ms": 5001}}, '"audio.preroll_ms" must be from 0 to 5000, not 5001.'),
    ({"wake_word": {"threshold": 0}}, '"wake_word.threshold" must be from 0.01 to 1.0, not 0.0.'),
    (
        {"endpoint": {"connect_seconds": float("inf")}},
        '"endpoint.connect_seconds" must be from 0.5 to 60.0, not inf.',
    ),
    ({"budget": {"day_cap_usd": -0.5}}, '"budget.day_cap_usd" must be from 0.0 to 100000.0, not -0.5.'),
    ({"budget": {"prices": [{}]}}, '"budget.prices[1].model" is missing: every budget.prices[1] needs one.'),
    (
        {"budget": {"prices": [{"model": "*"}]}},
        '"budget.prices[1].model" must name a model, such as "gpt-realtime-2.1".',
    ),
    (
        {"budget": {"prices": [{"model": "m"}, {"model": "m", "since": "1.12.2026"}]}},
        "\"budget.prices[2].since\" must be a date such as 2026-11-01, not '1.12.2026'.",
    ),
    (
        {"budget": {"prices": [{"model": "m", "audio_in_usd": 0.0001}]}},
        '"budget.prices[1].audio_in_usd" must have at most 3 decimals, not 0.0001: money is counted exactly.',
    ),
    (
        {"budget": {"prices": [{"model": "m", "text_out_usd": float("nan")}]}},
        '"budget.prices[1].text_out_usd" must be from 0.0 to 100000.0, or -1.0, not nan.',
    ),
    (
        {"budget": {"prices": [{"model": "m", "minute_usd": -2}]}},
        '"budget.prices[1].minute_usd" must be from 0.0 to 100000.0, or -1.0, not -2.0.',
    ),
    ({"conversation": {"most_tool_calls": 0}}, '"conversation.most_tool_calls" must be from 1 to 100, not 0.'),
    (
        {"endpoint": {"name": "custom"}},
        '"endpoint.url" must be a ws:// or wss:// address when endpoint.name is "custom".',
    ),
    (
        {"endpoint": {"others": [{"name": "custom", "url": "ws://h"}, {"name": "custom", "url": "https://h"}]}},
        '"endpoint.others[2].url" must be a ws:// or wss:// address when endpoint.others[2].name is "custom".',
    ),
    (
        {"endpoint": {"name": "azure", "url": "http://h", "model": "m"}},
        '"endpoint.url" must be an https:// or wss:// address when endpoint.name is "azure".',
    ),
    (
        {"endpoint": {"others": [{"name": "azure", "url": "https://h"}]}},
        '"endpoint.others[1].model" must name your deployment when endpoint.others[1].name is "azure".',
    ),
    ({"endpoint": {"others": [{}]}}, '"endpoint.others[1].name" is missing: every endpoint.others[1] needs one.'),
    (
        {"endpoint": {"others": [{"name": "xai", "keyfile": "/k"}]}},
        'unknown key "endpoint.others[1].keyfile": did you mean "endpoint.others[1].key_file"?',
    ),
    (
        {"endpoint": {"others": [{"name": "xai", "retention_ratio": 0}]}},
        '"endpoint.others[1].retention_ratio" must be from 0.1 to 1.0, not 0.0.',
    ),
    ({"endpoint": {"max_output_tokens": 5000}}, '"endpoint.max_output_tokens" must be from 0 to 4096, not 5000.'),
    (
        {"conversation": {"turns": "psychic"}},
        "\"conversation.turns\" must be one of 'semantic', 'server', 'local', 'push', not 'psychic'.",
    ),
    ({"conversation": {"speech_threshold": 1.5}}, '"conversation.speech_threshold" must be from 0.0 to 1.0, not 1.5.'),
    (
        {"endpoint": {"name": "custom", "url": "http://192.168.1.5"}},
        '"endpoint.url" must be a ws:// or wss:// address when endpoint.name is "custom".',
    ),
    ({"mcp": {"servers": [{}]}}, '"mcp.servers[1].name" is missing: every mcp.servers[1] needs one.'),
    (
        {"mcp": {"servers": [{"name": "My_Time", "url": "http://h/"}]}},
        '"mcp.servers[1].name" must be 1 to 16 small letters, digits and "-", the first a letter, not \'My_Time\'.',
    ),
    (
        {"mcp": {"servers": [{"name": "a", "url": "http://h/"}, {"name": "a", "url": "http://i/"}]}},
        '"mcp.servers[2].name" must not be a again: each server needs its own.',
    ),
    (
        {"home_assistant": {"url": "http://h"}, "mcp": {"servers": [{"name": "home", "url": "http://h/"}]}},
        '"mcp.servers[1].name" must not be home again: each server needs its own.',
    ),
    ({"mcp": {"servers": [{"name": "a"}]}}, '"mcp.servers[1]" must have either a command or a url.'),
    (
        {"mcp": {"servers": [{"name": "a", "url": "http://h", "command": ["b"]}]}},
        '"mcp.servers[1]" must have either a command or a url.',
    ),
    (
        {"mcp": {"servers": [{"name": "a", "url": "ftp://h"}]}},
        '"mcp.servers[1].url" is not an address such as http://192.168.1.5:8000/mcp.',
    ),
    (
        {"mcp": {"servers": [{"name": "a", "url": "http://me:secret@h"}]}},
        '"mcp.servers[1].url" must not hold a password: write a token into a file that "key_file" names.',
    ),
    (
        {"mcp": {"servers": [{"name": "a", "command": ["b"], "environment": ["A", "B-C=secret"]}]}},
        "\"mcp.servers[1].environment\" must hold NAME or NAME=value, not 'B-C'.",
    ),
    (
        {"mcp": {"servers": [{"name": "a", "command": ["b"], "environment": ["OPENAI_API_KEY"]}]}},
        '"mcp.servers[1].environment" must not hold OPENAI_API_KEY: it leads to the speaker\'s own keys.',
    ),
    (
        {"mcp": {"servers": [{"name": "a", "url": "http://h", "call_seconds": 0}]}},
        '"mcp.servers[1].call_seconds" must be from 0.5 to 120.0, not 0.0.',
    ),
    (
        {"home_assistant": {"url": "homeassistant.local"}},
        '"home_assistant.url" is not an address such as http://homeassistant.local:8123.',
    ),
]


@pytest.mark.parametrize(("table", "sentence"), MISTAKES, ids=[sentence for _, sentence in MISTAKES])
def test_a_mistake_is_one_sentence(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse(table)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"board = none", "{file} is not valid TOML: Invalid value (at line 1, column 9)."),
        (b"\xff", "{file} is not valid TOML: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte."),
        (b"[audio]\nvolum = 1", '{file}: unknown key "audio.volum": did you mean "audio.volume"?'),
        (b"[audio]\nvolume = 7", '{file}: "audio.volume" must be from 0.0 to 1.0, not 7.0.'),
    ],
)
def test_a_mistake_in_a_file_names_the_file(tmp_path: Path, text: bytes, sentence: str) -> None:
    file = tmp_path / "speakerd.toml"
    file.write_bytes(text)
    with pytest.raises(ConfigurationError) as raised:
        load(file)
    assert str(raised.value) == sentence.format(file=file)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as missing:
        load(tmp_path / "absent.toml")
    assert str(missing.value) == (
        f"{tmp_path / 'absent.toml'} cannot be read (No such file or directory): check its name and permissions."
    )
    with pytest.raises(ConfigurationError) as folder:
        load(tmp_path)
    assert str(folder.value) == f"{tmp_path} cannot be read (Is a directory): check its name and permissions."


def test_the_example_file_holds_every_setting_with_its_default() -> None:
    assert tomllib.loads(EXAMPLE.read_text(encoding="utf-8")) == json.loads(json.dumps(asdict(Settings())))
    assert load(EXAMPLE) == Settings()


def documented_settings() -> list[tuple[str, str]]:
    """Each setting's key and the text below it in the files of the settings."""
    files = Path(settings.__file__).parent.glob("settings*.py")
    nodes = [node for file in sorted(files) for node in ast.parse(file.read_text(encoding="utf-8")).body]
    found = []
    for kind in (node for node in nodes if isinstance(node, ast.ClassDef)):
        for line, after in zip(kind.body, [*kind.body[1:], None], strict=True):
            match line, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found.append((name, " ".join(text.split())))
                case ast.AnnAssign(target=ast.Name(id=name)), _ if not name.endswith(SECTION_NAMES):
                    pytest.fail(f"{kind.name}.{name} has no line of documentation")
    return found


SECTION_NAMES = tuple(name for name, value in asdict(Settings()).items() if isinstance(value, dict))


@pytest.mark.parametrize(("name", "text"), documented_settings())
def test_the_example_file_explains_each_setting_in_the_words_of_the_code(name: str, text: str) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    explanations = []
    for number, line in enumerate(lines):
        if line.removeprefix("#").startswith(f"{name} = "):
            first = number
            while lines[first - 1].startswith("# "):
                first -= 1
            explanations.append(" ".join(comment.removeprefix("# ") for comment in lines[first:number]))
    assert text in explanations
