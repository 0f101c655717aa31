"""What a session does at this moment, by Claude Code's own files about its processes."""

import json

from worker_manager.models import Activity
from worker_manager.state import sessions


def activity(root: str, home: str) -> Activity | None:
    """That of the session of a home; None when Claude Code doesn't say."""
    for pid in sessions.attending(root, home):
        content = _content(sessions.session_file(pid))
        since = content.get("statusUpdatedAt")
        if content.get("status") and isinstance(since, int | float):
            waiting_for = str(content.get("waitingFor", ""))
            return Activity(str(content["status"]), waiting_for, since / 1000)
    return None


def _content(path: str) -> dict[str, object]:
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
