"""Tests of scripts/install, scripts/uninstall and the unit; scripts/test-install runs those that need root."""
