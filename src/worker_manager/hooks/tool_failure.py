"""PostToolUseFailure: a tool that was run, if in vain, asks for permission no more."""

import sys

from worker_manager.hooks import call, terminal


def run() -> int:
    """Closes the tool's dialog."""
    home = call.home()
    if home is not None:
        terminal.tool_used(home, sys.stdin.read())
    return 0
