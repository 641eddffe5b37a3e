"""Lets these tests import the validator of events, which lives beside the conformance tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "conformance"))
