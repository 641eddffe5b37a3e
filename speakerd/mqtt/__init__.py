"""The home's message broker: the speaker as a device, and tools that publish messages."""
