"""The usage limit that a worker has met: no other worker of that account is started until it is
over. So it is kept in the state directory itself, a file for each account; the one of our host has
an empty name. Standard library only: for hooks.
"""

import os
import time

from worker_manager.errors import ignoring
from worker_manager.state.files import write_atomic


def note(root: str, worker_id: str, until: float, account: str = "") -> None:
    """Records that a worker met the limit; `until` in seconds since the epoch."""
    import json  # as below

    noted = json.dumps({"until": until, "met_by": worker_id})
    write_atomic(_path(root, account), noted.encode())


def until(root: str, account: str = "") -> float | None:
    """Returns when the limit ends (seconds since the epoch); None when there is none or it is
    over.
    """
    noted = _read(_path(root, account))
    try:
        end = float(str(noted["until"]))
    except (KeyError, TypeError, ValueError):
        return None  # who meets it again notes it again
    return end if end > time.time() else None


def lift(root: str, worker_id: str, account: str = "") -> None:
    """Removes the limit that this worker met, as a turn of it succeeded."""
    path = _path(root, account)
    if os.path.exists(path) and _read(path).get("met_by") == worker_id:
        with ignoring(OSError):
            os.unlink(path)


def _path(root: str, account: str) -> str:
    return os.path.join(root, f"usage-limit{account and '-'}{account}.json")


def _read(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return {}
    import json  # a third of what Python itself takes to load; mostly there is no limit

    try:
        noted = json.loads(content)
    except ValueError:
        return {}
    return noted if isinstance(noted, dict) else {}
