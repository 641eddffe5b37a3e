"""`speakerd config`: what counts and where it is from; a change leaves the rest of the file alone, or everything."""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from speakerd import settings
from speakerd.cli import main
from speakerd.commands import configuration
from speakerd.errors import ConfigurationError
from speakerd.settings import AudioSettings, Settings
from speakerd.settings_file import changed, rewrite
from speakerd.settings_keys import MASK, keys, masked, plain, value_at

EXAMPLE = Path(__file__).parents[2] / "systemd/speakerd.toml.example"
MINE = """\
# My speaker.
board = "none"   # no buttons

[audio]
volume = 0.4 # for the night
# the end of audio

[[endpoint.others]]
name = "custom"
url = "ws://192.168.1.5/?token=hunter2&model=m"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "speakerd.toml"
    path.write_text(MINE)
    return path


def shown(path: Path | None, environment: Mapping[str, str]) -> dict[str, dict[str, object]]:
    out = io.StringIO()
    assert configuration.show(path, environment, as_json=True, out=out) == 0
    report: dict[str, dict[str, object]] = json.loads(out.getvalue())
    return report


def test_what_counts_and_where_it_is_from(file: Path) -> None:
    report = shown(file, {"SPEAKERD_AUDIO__TAIL_MS": "50"})
    assert report["board"] == {"value": "none", "origin": str(file)}
    assert report["audio.volume"] == {"value": 0.4, "origin": str(file)}
    assert report["audio.tail_ms"] == {"value": 50, "origin": "SPEAKERD_AUDIO__TAIL_MS"}
    assert report["wake_word.word"] == {"value": "hey_jarvis", "origin": "default"}
    assert {row["origin"] for row in shown(None, {}).values()} == {"default"}


def test_what_is_shown_could_be_a_file_of_settings(file: Path) -> None:
    out = io.StringIO()
    configuration.show(None, {}, as_json=False, out=out)
    assert settings.parse(tomllib.loads(out.getvalue())) == Settings()
    out = io.StringIO()
    configuration.show(file, {}, as_json=False, out=out)
    assert "hunter2" not in out.getvalue()
    assert f"volume = 0.4  # {file}\n" in out.getvalue()


@pytest.mark.parametrize(
    ("key", "printed"),
    [
        ("audio.volume", "0.4"),
        ("board", "none"),
        ("wake_word.sha256", ""),
        ("conversation.follow_up", "true"),
        ("endpoint.others[1].name", "custom"),
        ("endpoint.others[1].url", f"ws://192.168.1.5/?token={MASK}&model=m"),
        ("conversation.end_phrases[2]", "bye"),
        ("wake_word.others", "[]"),
    ],
)
def test_getting(key: str, printed: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "get", key, "--config", str(file)]) == 0
    assert capsys.readouterr().out == f"{printed}\n"


WRONG = {
    "unknown": ("audio.volum", "1", 'There is no setting "audio.volum": did you mean "audio.volume"?'),
    "nothing like it": ("zzz", "1", "`speakerd config show` lists them all."),
    "no key": ("audio..volume", "1", "is no key: write it as audio.volume"),
    "out of range": ("audio.volume", "7", '"audio.volume" must be from 0.0 to 1.0, not 7.'),
    "not of its type": ("audio.volume", "loud", "\"audio.volume\" must be a number, not 'loud'."),
    "no choice": ("audio.duplex", "quarter", "\"audio.duplex\" must be one of 'auto', 'half', 'full'"),
    "no board": ("board", "bredboard", 'did you mean "breadboard"'),
    "a section": ("audio", "{}", "is a whole section: name one of its keys."),
    "a row": ("endpoint.others[1]", "{}", "is a whole section: name one of its keys."),
    "no such row": ("endpoint.others[2].name", "openai", "There is no row 2"),
    "no rows": ("mcp.servers[1].name", "x", "There is no [[servers]]"),
    "breaks another": ("endpoint.others[1].name", "azure", '"endpoint.others[1].url" must be an https://'),
}


@pytest.mark.parametrize(("key", "value", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_change_is_78_one_sentence_and_no_change(
    key: str, value: str, sentence: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "set", key, value, "--config", str(file)]) == 78
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert sentence in told.err
    assert file.read_text() == MINE
    assert [path.name for path in file.parent.iterdir()] == ["speakerd.toml"], "nothing is left behind"


def test_a_change_changes_one_line_and_keeps_what_was(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.chmod(0o640)
    assert main(["config", "set", "audio.volume", "0.5", "--config", str(file)]) == 0
    assert file.read_text() == MINE.replace("volume = 0.4", "volume = 0.5")
    backup = file.with_name("speakerd.toml.bak")
    assert backup.read_text() == MINE
    assert {path.stat().st_mode & 0o777 for path in (file, backup)} == {0o640}
    assert capsys.readouterr().out == (
        f"{file} is written; {backup} is as it was.\naudio.volume is 0.5 now.\n"
        "Restart the speaker to apply it: sudo systemctl restart speakerd\n"
    )
    assert main(["config", "set", "wake_word.threshold", "0.6", "--config", str(file)]) == 0
    assert "Let the speaker read it: sudo systemctl reload speakerd" in capsys.readouterr().out
    assert backup.read_text() == MINE.replace("volume = 0.4", "volume = 0.5"), "one backup, of the last change"
    assert main(["config", "unset", "wake_word.threshold", "--config", str(file)]) == 0
    assert settings.load(file).wake_word.threshold == 0.5


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("endpoint.voice", "true", "true"),
        ("endpoint.voice", '"true"', "true"),
        ("wake_word.word", "1", "1"),
        ("audio.duplex", "half", "half"),
        ("audio.volume", "1", 1),
        ("conversation.follow_up", "false", False),
        ("conversation.end_phrases", '["bye", "enough"]', ["bye", "enough"]),
        ("endpoint.others[3].language", "en", "en"),
    ],
)
def test_what_a_word_means(key: str, text: str, value: object) -> None:
    assert configuration.read_value(key, text) == value
    assert type(configuration.read_value(key, text)) is type(value)


def test_a_mistake_in_the_file_can_be_mended_by_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(MINE.replace("0.4", "4.0"))
    assert main(["config", "set", "audio.tail_ms", "100", "--config", str(file)]) == 78
    assert main(["config", "set", "audio.volume", "0.4", "--config", str(file)]) == 0
    assert "Restart" in capsys.readouterr().out


def test_a_variable_that_goes_before_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPEAKERD_AUDIO__VOLUME", "0.9")
    assert main(["config", "set", "audio.volume", "0.4", "--config", str(file)]) == 0
    assert "Nothing has to be done" in capsys.readouterr().out
    assert main(["config", "set", "audio.volume", "0.5", "--config", str(file)]) == 0
    assert "The variable SPEAKERD_AUDIO__VOLUME goes before the file here." in capsys.readouterr().out


def test_a_file_that_is_missing_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    assert main(["config", "set", "board", "none", "--config", str(path)]) == 0
    assert (path.read_text(), path.stat().st_mode & 0o777) == ('board = "none"\n', 0o644)
    assert not path.with_name("new.toml.bak").exists()
    assert main(["config", "set", "board", "none", "--config", str(tmp_path / "gone/new.toml")]) == 78


def test_what_a_link_leads_to_is_changed(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    assert main(["config", "set", "audio.volume", "0.5", "--config", str(link)]) == 0
    assert link.is_symlink()
    assert settings.load(file).audio.volume == 0.5


def test_broken_toml_is_said_and_left_alone(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for broken in (b"board =", b"\xff\xfe"):
        file.write_bytes(broken)
        assert main(["config", "set", "board", "none", "--config", str(file)]) == 78
        assert "is not valid TOML" in capsys.readouterr().err
        assert file.read_bytes() == broken


def test_a_write_that_fails_leaves_the_old_file(file: Path) -> None:
    def fail(text: str) -> str:
        raise OSError(28, "No space left on device")

    with pytest.raises(ConfigurationError, match=r"cannot be written \(No space left on device\): check its folder"):
        rewrite(file, fail)
    assert file.read_text() == MINE


VALUES = {
    "board": st.sampled_from(["none", "breadboard"]),
    "audio.volume": st.floats(0, 1).map(lambda value: round(value, 3)),
    "audio.tail_ms": st.integers(0, 2000),
    "endpoint.instructions": st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40),
    "conversation.end_phrases": st.lists(st.text("ab c\"\\'#]", max_size=8), max_size=3),
    "mqtt.host": st.sampled_from(["", "home.local"]),
    "wake_word.others": st.lists(st.sampled_from(["alexa", "halt"]), unique=True).map(
        lambda words: [{"word": word, "action": "stop"} for word in words]
    ),
}
TEXTS = ("", MINE, EXAMPLE.read_text(), "audio.volume = 0.1\n", "audio = {volume = 0.2}\n[mqtt]\nport = 1\n")


@limits(deadline=None, max_examples=60)
@given(st.data(), st.integers(0, len(TEXTS) - 1), st.sampled_from(sorted(VALUES)))
def test_a_change_is_read_back_and_no_comment_is_lost(data: st.DataObject, number: int, key: str) -> None:
    text = TEXTS[number]
    value = data.draw(VALUES[key])
    after = changed(text, key, value)
    assert plain(value_at(settings.parse(tomllib.loads(after)), key)) == plain(
        value_at(settings.parse(_with(tomllib.loads(text), key, value)), key)
    )
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert [line for line in after.splitlines() if line in comments] == comments
    assert tomllib.loads(changed(after, key, None)).get(key.split(".")[0], {}) == _with(
        tomllib.loads(text), key, None
    ).get(key.split(".")[0], {})


def _with(document: dict[str, object], key: str, value: object) -> dict[str, object]:
    section, _, name = key.rpartition(".")
    table = document.setdefault(section, {}) if section else document
    assert isinstance(table, dict)
    if value is None:
        table.pop(name, None)
    else:
        table[name] = value
    return document


@pytest.mark.parametrize(
    ("name", "value", "without"),
    [
        ("environment", ["HOME", "TOKEN=hunter2"], ["HOME", f"TOKEN={MASK}"]),
        ("command", ["x", "--token", "hunter2", "-v"], ["x", "--token", MASK, "-v"]),
        ("command", ["x", "--api-key=hunter2", "http://u:p@h/"], ["x", f"--api-key={MASK}", f"http://{MASK}@h/"]),
        ("argv", ["/bin/x", "PASSWORD=hunter2"], ["/bin/x", f"PASSWORD={MASK}"]),
        ("url", "wss://h/v1?model=m&sig=hunter2#x", f"wss://h/v1?model=m&sig={MASK}#{MASK}"),
        ("url", "wss://h/v1", "wss://h/v1"),
        ("url", "ws://[h", MASK),
        ("servers", [{"url": "http://h?hunter2", "name": "x"}], [{"url": f"http://h?{MASK}", "name": "x"}]),
        ("volume", 0.5, 0.5),
    ],
)
def test_secrets_are_left_out(name: str, value: object, without: object) -> None:
    assert masked(value, name) == without


def test_every_key_has_a_value() -> None:
    known = list(keys(Settings))
    assert {"board", "audio.volume", "wake_word.sha256", "mqtt.tools", "home_assistant.url"} <= set(known)
    assert [value_at(replace(Settings(), audio=AudioSettings(volume=0.1)), key) for key in known].count(0.1) == 1
