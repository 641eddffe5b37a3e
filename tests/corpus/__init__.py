"""Makes the audio that the wake word is measured with: plan (pure), voices, recordings, and build, the recipe."""
