"""PostToolUse: shows mail in the middle of a turn."""

from worker_manager.hooks import call, mail

EVENT = "PostToolUse"


def run() -> int:
    """Adds the mail to the tool's result."""
    home = call.home()
    shown = mail.take(home) if home else None
    if shown is not None:
        call.add_context(EVENT, shown.text)
        shown.acknowledge()
    return 0
