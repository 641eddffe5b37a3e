"""A smart speaker that its owner controls: wake word, Realtime conversation, home tools, one systemd service."""

import os

# OpenBLAS reads it when numpy is imported. Our matrices are small: more threads would only spin beside the audio.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
