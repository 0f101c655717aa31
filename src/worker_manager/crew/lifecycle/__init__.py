"""A worker begins and ends: start, launch, stop, adopt."""
