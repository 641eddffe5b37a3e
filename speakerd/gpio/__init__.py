"""Buttons and LEDs, by board."""
