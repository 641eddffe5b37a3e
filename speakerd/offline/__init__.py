"""The assistant on the device: a Realtime endpoint that needs no network and no key."""
