"""Where scripts/test-install has made Debian's folders, both releases of them; elsewhere these tests are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from install.roots import RELEASES, SOURCE, Root

ROOTS = os.environ.get("SPEAKERD_ROOTS", "")
INSTALL = (
    "/srv/source/scripts/install",
    "--no-start",
    "--yes",
    "--wheelhouse",
    "/srv/wheels",
    "--models",
    "/srv/models",
)
UNINSTALL = "/srv/source/scripts/uninstall"


collect_ignore = [] if ROOTS else ["test_install_root.py", "test_install_systemd.py"]
"""`scripts/test-install` makes the roots."""


@pytest.fixture(scope="session", params=RELEASES)
def bare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Root:
    """Debian without anything of ours."""
    made = Path(ROOTS)
    binds = {
        SOURCE: "srv/source",
        made / f"wheels-{request.param}": "srv/wheels",
        made / "models": "srv/models",
    }
    return Root((made / request.param,), tmp_path_factory.mktemp(request.param), binds)


@pytest.fixture(scope="session")
def installed(bare: Root, tmp_path_factory: pytest.TempPathFactory) -> Root:
    """Debian after scripts/install; to be built upon, not to be changed."""
    root = bare.over(tmp_path_factory.mktemp("installed"))
    root.ok(*INSTALL)
    return root


@pytest.fixture
def speaker(installed: Root, tmp_path: Path) -> Root:
    """Debian after scripts/install, for one test."""
    return installed.over(tmp_path)
