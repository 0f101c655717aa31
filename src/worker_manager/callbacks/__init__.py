"""What launch scripts call back: set up before an agent, clean up after it."""
