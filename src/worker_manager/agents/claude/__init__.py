"""Claude Code: all of its facts, and nowhere else but in hooks."""
