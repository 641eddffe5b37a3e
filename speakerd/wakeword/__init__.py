"""The wake word on the device: openWakeWord's models on the live stream."""
