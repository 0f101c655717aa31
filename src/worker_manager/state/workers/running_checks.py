"""Checks that continue after the call that began them was answered: the end of the worker's turn is
not the end of its work.
"""

import os

from worker_manager.state import process_identity
from worker_manager.state.files import remove, write_atomic

_CHECKING = "checking"


def begin(home: str) -> None:
    """Records that this process runs checks. Raises StateUnavailable."""
    write_atomic(_path(home), process_identity.identity(os.getpid()).encode(), durable=False)


def end(home: str) -> None:
    """Records that they have ended and been reported."""
    remove(_path(home))


def are_under_way(home: str) -> bool:
    """Returns True if their process still runs."""
    try:
        with open(_path(home), encoding="utf-8") as file:
            process = file.read()
    except OSError:
        return False
    # A power cut may have left zeros.
    return process_identity.is_identity(process) and not process_identity.has_ended(process)


def _path(home: str) -> str:
    return os.path.join(home, _CHECKING)
