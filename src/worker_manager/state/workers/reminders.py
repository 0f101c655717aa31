"""Counts how often a worker that ended its turn without a report was reminded: a file with a byte
for each reminder, and one more once its orchestrator was notified.
"""

import os

from worker_manager.errors import ignoring
from worker_manager.state.files import append

TIMES = 2
_REMINDERS = "reminders"


def count(home: str) -> int:
    """Returns the number of reminders since somebody last wrote to the worker."""
    try:
        return os.path.getsize(_path(home))
    except FileNotFoundError:
        return 0


def add(home: str) -> None:
    """Adds a reminder."""
    append(_path(home), "x")


def forget(home: str) -> None:
    """Resets the count: somebody wrote to the worker."""
    with ignoring(FileNotFoundError):
        os.unlink(_path(home))


def occasion(home: str) -> str:
    """Returns a word that identifies this series of reminders."""
    return str(os.stat(_path(home)).st_mtime_ns)


def was_told_of(home: str) -> bool:
    """Returns True if its orchestrator was notified."""
    return count(home) > TIMES


def _path(home: str) -> str:
    return os.path.join(home, _REMINDERS)
