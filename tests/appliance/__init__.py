"""The speaker on a simulated Raspberry Pi; see scripts/test-appliance."""
