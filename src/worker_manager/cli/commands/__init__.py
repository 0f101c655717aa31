"""A module for each command that is typed."""
