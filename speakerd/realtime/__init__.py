"""The client of the Realtime protocol."""
