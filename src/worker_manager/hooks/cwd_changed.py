"""CwdChanged: a change of directory can end the watch on the mailbox; this renews it."""

from worker_manager.hooks import protocol

EVENT = "CwdChanged"


def run() -> int:
    """Names the mailbox to watch."""
    home = protocol.home()
    if home is not None:
        protocol.add_context(EVENT, "", watch=home)
    return 0
