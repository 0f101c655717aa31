"""PostToolUseFailure: a tool that was run, if in vain, asks for permission no more."""

from worker_manager.hooks import open_dialogs, protocol


def run() -> int:
    """Closes the tool's dialog."""
    home = protocol.home()
    if home is not None:
        open_dialogs.tool_used(home, protocol.given())
    return 0
