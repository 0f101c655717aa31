"""What Claude Code does for a session, without a model: for the demo, rehearsals and tests."""
