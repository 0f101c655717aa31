"""How often a worker that ended its turns without a report was reminded of it: a file with a byte
for each time, and one more once its orchestrator was told.
"""

import os

from worker_manager.errors import ignoring
from worker_manager.state.files import append

TIMES = 2
_REMINDERS = "reminders"


def count(home: str) -> int:
    """How often since somebody last spoke to it."""
    try:
        return os.path.getsize(_path(home))
    except FileNotFoundError:
        return 0


def add(home: str) -> None:
    """Once more."""
    append(_path(home), "x")


def forget(home: str) -> None:
    """It was spoken to: it is reminded anew."""
    with ignoring(FileNotFoundError):
        os.unlink(_path(home))


def occasion(home: str) -> str:
    """A word for this row of reminders."""
    return str(os.stat(_path(home)).st_mtime_ns)


def was_told_of(home: str) -> bool:
    """Whether its orchestrator knows that it ended its turn without a report."""
    return count(home) > TIMES


def _path(home: str) -> str:
    return os.path.join(home, _REMINDERS)
