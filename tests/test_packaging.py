"""The wheel holds everything that the speaker needs, and the lock everything that pyproject.toml asks for."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return set(zipfile.ZipFile(built).namelist())


@pytest.mark.parametrize(
    "name",
    [
        "speakerd/py.typed",
        "speakerd/ARCHITECTURE.md",
        "speakerd/speakerd.toml.example",
        "speakerd/wakeword/models.toml",
        "speakerd/ledger/prices.toml",
        "speakerd/demo/fakecard.c",
        "speakerd/demo/fakecard.h",
        *(f"speakerd/hardware/{path.parent.name}/board.toml" for path in ROOT.glob("hardware/*/board.toml")),
        *(f"speakerd/hardware/{path.parent.name}/README.md" for path in ROOT.glob("hardware/*/board.toml")),
    ],
)
def test_the_wheel_holds(wheel_names: set[str], name: str) -> None:
    assert name in wheel_names


def test_the_wheel_holds_no_models_and_no_tests(wheel_names: set[str]) -> None:
    assert not [name for name in wheel_names if name.endswith((".onnx", ".tflite", ".pkl")) or "tests" in name]


@pytest.mark.parametrize("lock", ["appliance", "build", "develop", "runtime"])
def test_every_line_of_a_lock_is_pinned_and_hashed(lock: str) -> None:
    text = (ROOT / f"scripts/lock/{lock}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", " "))]
    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9._\[\]-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), line


@pytest.mark.parametrize(("lock", "extra"), [("runtime", "all"), ("appliance", "appliance")])
def test_the_lock_has_what_the_project_asks_for(lock: str, extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {*project["dependencies"], *wanted_by(extra, project["optional-dependencies"])}
    locked = (ROOT / f"scripts/lock/{lock}.txt").read_text()
    for requirement in wanted:
        name = re.split(r"[^A-Za-z0-9_-]", requirement)[0].lower()
        assert re.search(rf"^{re.escape(name)}==", locked, re.MULTILINE), name


def wanted_by(extra: str, extras: dict[str, list[str]]) -> set[str]:
    """What an extra asks for, by those that it names, too."""
    wanted = set()
    for requirement in extras[extra]:
        if named := re.fullmatch(r"speakerd\[(.*)\]", requirement):
            wanted |= {one for name in named[1].split(",") for one in wanted_by(name, extras)}
        else:
            wanted.add(requirement)
    return wanted


def test_the_appliance_is_locked_as_it_is_developed() -> None:
    """What the tests ran with is what an owner gets."""
    pins = {lock: pinned(lock) for lock in ("appliance", "develop")}
    assert {name for name, version in pins["appliance"].items() if pins["develop"].get(name) != version} == {"lgpio"}


def pinned(lock: str) -> dict[str, str]:
    """The version and condition of each package, by name and Python."""
    lines = re.findall(r"^([^ #]+)==([^\\\n]+)", (ROOT / f"scripts/lock/{lock}.txt").read_text(), re.MULTILINE)
    return {name + version.partition(";")[2] if name == "numpy" else name: version for name, version in lines}


def test_the_npm_lock_is_pinned_and_hashed() -> None:
    folder = ROOT / "tests/conformance/npm"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    _, *locked = json.loads((folder / "package-lock.json").read_text())["packages"].items()
    versions = {path.removeprefix("node_modules/"): one["version"] for path, one in locked}
    assert wanted.items() <= versions.items()
    for path, one in locked:
        assert one["integrity"].startswith("sha512-"), path
        assert "resolved" not in one, f"{path} names a registry: npm install --omit-lockfile-registry-resolved"


def test_no_script_names_a_registry() -> None:
    npm = ROOT.glob("tests/conformance/npm/*.json")
    for path in (*ROOT.glob("scripts/**/*"), *ROOT.glob(".ci/*"), *npm, ROOT / "pyproject.toml"):
        if path.is_file():
            assert not re.search(r"pypi\.org|pythonhosted|debian\.org|npmjs", path.read_text()), path
