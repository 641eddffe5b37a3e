"""The audio plane: what the microphone hears, what the loudspeaker plays, and where each sample is."""
