"""What a session does at this moment, by Claude Code's own files about its processes."""

from worker_manager.agents.claude import session_files
from worker_manager.domain.worker import Activity
from worker_manager.state import process_identity, sessions
from worker_manager.state.workers import running_checks


def activity(root: str, home: str) -> Activity | None:
    """That of the session of a home; None when Claude Code doesn't say."""
    told = (_told(home, pid) for pid in sessions.attending(root, home))
    return next((one for one in told if one is not None), None)


def activities(root: str) -> dict[str, Activity]:
    """Those of all sessions, by home: one look at the processes, however many workers there are."""
    told = ((home, _told(home, pid)) for home, pid in sessions.all_attending(root))
    return {home: one for home, one in told if one is not None}


def running() -> list[tuple[int, str]]:
    """The claude processes of this user that run, and the directory of each."""
    noted = session_files.noted()
    return [one for one in noted if process_identity.start_time(one[0]) is not None]


def _told(home: str, pid: int) -> Activity | None:
    content = session_files.content(pid)
    since = content.get("statusUpdatedAt")
    if not content.get("status") or not isinstance(since, int | float):
        return None
    waiting_for = str(content.get("waitingFor", ""))
    socket = str(content.get("messagingSocketPath", ""))
    status = str(content["status"])
    if status == "idle" and running_checks.are_under_way(home):
        status = "shell"  # Claude Code's own word for a prompt behind which something runs
    return Activity(status, waiting_for, since / 1000, socket)
