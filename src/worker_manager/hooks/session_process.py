"""Which claude process a hook runs in."""

import os

from worker_manager.agents.claude import session_files
from worker_manager.state import process_identity, sessions


def claude_process(root: str) -> int | None:
    """Its pid: newer versions tell it, else it is the nearest ancestor with a session file, or
    that our server has registered.
    """
    told = os.environ.get("CLAUDE_PID", "")
    if told.isdigit():
        return int(told)
    pid: int | None = os.getppid()
    while pid and pid > 1:
        if os.path.exists(session_files.path_of(pid)) or sessions.find_by_process(root, pid):
            return pid
        pid = process_identity.parent(pid)
    return None
