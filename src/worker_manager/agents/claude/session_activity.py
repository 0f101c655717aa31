"""What a session of Claude Code does at this moment, by its own file about the process."""

from worker_manager.agents.claude import session_files
from worker_manager.domain.session import Activity


def activity(pid: int) -> Activity | None:
    """That of the session that a process runs; None when Claude Code doesn't say."""
    content = session_files.content(pid)
    since = content.get("statusUpdatedAt")
    if not content.get("status") or not isinstance(since, int | float):
        return None
    waiting_for = str(content.get("waitingFor", ""))
    socket = str(content.get("messagingSocketPath", ""))
    return Activity(str(content["status"]), waiting_for, since / 1000, socket)
