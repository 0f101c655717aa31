"""Sessions and workers without Claude Code: records, scripted agents, plain clients."""
