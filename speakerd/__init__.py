"""A smart speaker that its owner controls: wake word, Realtime conversation, home tools, one systemd service."""

__version__ = "0.1.0"
