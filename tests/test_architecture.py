"""The shape of the code: who may import whom, how long things may be, and that the map names every folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "speakerd"
MODULES = sorted(PACKAGE.rglob("*.py"))
SHARED = {"speakerd.audio.pcm", "speakerd.audio.resample", "speakerd.audio.utterances", "speakerd.tools.tool"}
"""Pure modules of one folder that others may use."""
ROOTS = {"__main__", "assembly", "checks", "reloading", "wake_test", "device_table", "mic_test", "doctor", "cli"} | {
    "commands",
    "remote",
    "rules",
    "status_words",
    "cost",
}
"""They put the rest together."""
FOUNDATION = {"", "core", "errors", "ports", "settings", "settings_toml"}


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _folder(module: str) -> str:
    """The folder, or the file beside the folders; all the files of the settings count as one."""
    folder = module.split(".")[1] if "." in module else ""
    return "settings" if folder.startswith("settings_") else folder


def wrong_arrow(module: str, imported: str) -> bool:
    """Whether a module of speakerd must not import another one."""
    if not imported.startswith("speakerd"):
        return False
    here, there = _folder(module), _folder(imported)
    if here in ROOTS or here == there or imported in SHARED or any(imported.startswith(f"{s}.") for s in SHARED):
        return False
    if here == "demo":
        return False
    if here == "core":
        return True
    if here == "ports":
        return there not in {"", "core"}
    if here == "daemon":
        return there not in {"", "core", "ports", "errors"}
    if here in {"errors", "settings", "settings_toml"}:
        return there not in {"", "errors", "settings_toml"}
    return there not in FOUNDATION


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_arrows_point_inwards(path: Path) -> None:
    wrong = {name for name in _imports(path) if wrong_arrow(_name(path), name)}
    assert not wrong


@pytest.mark.parametrize(
    ("module", "imported", "wrong"),
    [
        ("speakerd.core.step", "speakerd.ports", True),
        ("speakerd.audio.plane", "speakerd.realtime.session", True),
        ("speakerd.offline.hearing", "speakerd.audio.resample", False),
        ("speakerd.offline.hearing", "speakerd.audio.plane", True),
        ("speakerd.daemon", "speakerd.audio.plane", True),
        ("speakerd.gpio.panel", "speakerd.daemon", True),
        ("speakerd.mcp.source", "speakerd.tools.tool", False),
        ("speakerd.mcp.source", "speakerd.tools.registry", True),
        ("speakerd.assembly", "speakerd.audio.plane", False),
    ],
)
def test_the_rule_itself(module: str, imported: str, wrong: bool) -> None:
    assert wrong_arrow(module, imported) is wrong


def test_the_core_uses_nothing_but_language() -> None:
    allowed = {"__future__", "dataclasses", "enum", "typing"}
    for path in (PACKAGE / "core").glob("*.py"):
        outside = {name.split(".")[0] for name in _imports(path) if not name.startswith("speakerd")}
        assert outside <= allowed, path


def test_only_the_child_imports_pyaudio() -> None:
    importers = {_name(path) for path in MODULES if "pyaudio" in _imports(path)}
    assert importers
    assert all(name.startswith("speakerd.audio.child") for name in importers)


def test_wire_names_live_in_the_files_of_the_protocol() -> None:
    for path in MODULES:
        module = _name(path)
        if not module.startswith(("speakerd.realtime.messages", "speakerd.offline.protocol", "speakerd.demo.re")):
            text = path.read_text()
            assert "input_audio_buffer." not in text, path
            assert "response.output_audio" not in text, path


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_nothing_is_too_long(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, node.name


def test_the_map_names_every_folder() -> None:
    text = (PACKAGE / "ARCHITECTURE.md").read_text()
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {folder for folder in folders if f"{folder}/" not in text} == set()
    assert len(text.splitlines()) <= 150
