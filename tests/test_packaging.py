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


@pytest.mark.parametrize("lock", ["build", "develop", "runtime"])
def test_every_line_of_a_lock_is_pinned_and_hashed(lock: str) -> None:
    text = (ROOT / f"scripts/lock/{lock}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", " "))]
    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9._\[\]-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_the_lock_has_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for requirements in project["optional-dependencies"].values():
        wanted += [one for one in requirements if not one.startswith("speakerd[")]
    locked = (ROOT / "scripts/lock/runtime.txt").read_text()
    for requirement in wanted:
        name = re.split(r"[^A-Za-z0-9_-]", requirement)[0].lower()
        assert re.search(rf"^{re.escape(name)}==", locked, re.MULTILINE), name


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
