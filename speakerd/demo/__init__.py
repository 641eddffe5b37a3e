"""The demonstration: the whole speaker on a fake sound card, with a synthesised user."""
