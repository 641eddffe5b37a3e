"""Runs for hours, and for stories that repeat: `scripts/soak`."""
