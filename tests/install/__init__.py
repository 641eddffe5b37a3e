"""Tests of scripts/install, scripts/uninstall and the unit, up to systemd itself in namespaces (scripts/test-install)."""
