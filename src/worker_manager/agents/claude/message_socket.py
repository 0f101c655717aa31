"""The socket on which newer versions of Claude Code take messages from other sessions.

Each session file names its own. A line of JSON is a message; nothing is answered.
"""

import os
import socket
import stat

from worker_manager.domain.session import Activity
from worker_manager.text.output import json_line

TIMEOUT_SECONDS = 1.0


def send(activity: Activity, text: str) -> bool:
    """Whether the session's socket took the text. Only one that is this user's alone is used."""
    return _put(activity.socket, text)


def _put(path: str, text: str) -> bool:
    line = json_line({"type": "user", "message": {"role": "user", "content": text}}) + "\n"
    try:
        if not _is_private(path):
            return False
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT_SECONDS)
            connection.connect(path)
            connection.sendall(line.encode("ascii"))
    except OSError:
        return False
    return True


def _is_private(path: str) -> bool:
    """Whether nobody else can have put it there, or speak on it. Raises OSError."""
    file, folder = os.lstat(path), os.stat(os.path.dirname(path))
    return (
        stat.S_ISSOCK(file.st_mode)
        and file.st_uid == folder.st_uid == os.getuid()
        and not file.st_mode & 0o077
        and not folder.st_mode & 0o022
    )
