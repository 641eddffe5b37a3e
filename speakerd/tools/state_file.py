"""Files that carry state over a restart: written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path


def replace_file(file: Path, document: object) -> None:
    """Replace a file by JSON, durably; raises OSError, and then the old one stays."""
    draft = file.with_suffix(".new")
    file.parent.mkdir(parents=True, exist_ok=True)
    with draft.open("w") as out:
        json.dump(document, out)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
    _keep_names(file.parent)


def _keep_names(folder: Path) -> None:
    """Without this a power failure may bring the old file back."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
