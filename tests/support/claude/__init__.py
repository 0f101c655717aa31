"""The real Claude Code, offline: its model is a script of the test's own."""
