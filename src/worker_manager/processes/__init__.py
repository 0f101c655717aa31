"""Programs that we start."""
