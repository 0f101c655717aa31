"""Claude Code's own files about its processes: which session each runs, and what it does.

Standard library only: hooks use it.
"""

import os

#: Statuses of a session at whose prompt nothing runs, but perhaps something in the background.
AT_PROMPT = ("idle", "shell")


def path_of(pid: int) -> str:
    """Where Claude Code keeps its file about one of its processes."""
    configuration = os.environ.get("CLAUDE_CONFIG_DIR") or os.path.expanduser("~/.claude")
    return os.path.join(configuration, "sessions", f"{pid}.json")


def content(pid: int) -> dict[str, object]:
    """What the file about a process says; empty when it can't be read."""
    import json  # slow to load, and few hooks come here

    try:
        with open(path_of(pid), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def session_id(pid: int) -> str:
    """The id of the session that a process runs, unchecked; empty when unknown."""
    return str(content(pid).get("sessionId", ""))


def status(pid: int) -> str:
    """What a process does: busy, idle, waiting, shell; empty when unknown."""
    return str(content(pid).get("status", ""))


def noted() -> list[tuple[int, str]]:
    """The processes that have a file, and the directory of each. Some may have ended."""
    try:
        names = os.listdir(os.path.dirname(path_of(0)))
    except OSError:
        return []
    pids = [int(stem) for name in names if (stem := name.removesuffix(".json")).isdigit()]
    return [(pid, cwd) for pid in pids if (cwd := str(content(pid).get("cwd", "")))]
