"""worker-manager: one Claude Code session runs a crew of autonomous workers."""

__version__ = "0.1.0"
