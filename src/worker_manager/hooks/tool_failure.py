"""PostToolUseFailure: a tool that was run, if in vain, asks for permission no more."""

from worker_manager.hooks import call, terminal


def run() -> int:
    """Closes the tool's dialog."""
    home = call.home()
    if home is not None:
        terminal.tool_used(home, call.given())
    return 0
