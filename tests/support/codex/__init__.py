"""The real Codex, its model scripted."""
