"""Says for each thing that is needed whether it works here: tried, not guessed."""
