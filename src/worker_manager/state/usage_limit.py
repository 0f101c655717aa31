"""The usage limit that a worker has met: no other worker of that account is started until it is
over. So it is kept in the state directory itself, a file for each account; the one of our host has
an empty name. Standard library only: for hooks.
"""

import json
import os
import time
from contextlib import suppress

from worker_manager.state.files import write_atomic


def note(root: str, worker_id: str, until: float, account: str = "") -> None:
    """Records that a worker met the limit; `until` in seconds since the epoch."""
    write_atomic(_path(root, account), json.dumps({"until": until, "met_by": worker_id}).encode())


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
        with suppress(OSError):
            os.unlink(path)


def _path(root: str, account: str) -> str:
    return os.path.join(root, f"usage-limit{account and '-'}{account}.json")


def _read(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:
            noted = json.load(file)
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
