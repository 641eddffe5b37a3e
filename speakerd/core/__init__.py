"""The decisions: pure functions of state and event, with no clock, no asyncio, no I/O and no third-party import."""
