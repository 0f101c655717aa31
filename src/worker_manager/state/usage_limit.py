"""The usage limit that a worker has met: no other worker is started until it is over. It is the
account's, so it is kept in the state directory itself. Standard library only: for hooks.
"""

import json
import os
import time
from contextlib import suppress

from worker_manager.state.files import write_atomic


def note(root: str, worker_id: str, until: float) -> None:
    """Records that a worker met the limit; `until` in seconds since the epoch."""
    write_atomic(_path(root), json.dumps({"until": until, "met_by": worker_id}).encode())


def until(root: str) -> float | None:
    """Returns when the limit ends (seconds since the epoch); None when there is none or it is
    over.
    """
    noted = _read(root)
    try:
        end = float(str(noted["until"]))
    except (KeyError, TypeError, ValueError):
        return None  # who meets it again notes it again
    return end if end > time.time() else None


def lift(root: str, worker_id: str) -> None:
    """Removes the limit that this worker met, as a turn of it succeeded."""
    if os.path.exists(_path(root)) and _read(root).get("met_by") == worker_id:
        with suppress(OSError):
            os.unlink(_path(root))


def _path(root: str) -> str:
    return os.path.join(root, "usage-limit.json")


def _read(root: str) -> dict[str, object]:
    try:
        with open(_path(root), "rb") as file:
            noted = json.load(file)
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
