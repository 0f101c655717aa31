"""Codex: all of its facts."""
