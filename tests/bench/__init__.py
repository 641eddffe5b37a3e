"""Benchmarks, started by `scripts/bench`; what they measure is defined in their modules' docstrings."""
