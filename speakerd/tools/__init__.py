"""What the assistant can do, behind one interface."""
