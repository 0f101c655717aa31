"""What a session does at this moment, by Claude Code's own files about its processes."""

from worker_manager.models import Activity
from worker_manager.state import sessions


def activity(root: str, home: str) -> Activity | None:
    """That of the session of a home; None when Claude Code doesn't say."""
    for pid in sessions.attending(root, home):
        content = sessions.session_file(pid)
        since = content.get("statusUpdatedAt")
        if content.get("status") and isinstance(since, int | float):
            waiting_for = str(content.get("waitingFor", ""))
            socket = str(content.get("messagingSocketPath", ""))
            return Activity(str(content["status"]), waiting_for, since / 1000, socket)
    return None
