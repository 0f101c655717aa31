"""Programs of other vendors that a person has allowed in one repository: an empty file for each."""

import os
from contextlib import suppress

from worker_manager.state.files import disk_errors, make_private, write_atomic

#: In a repository's directory.
FOLDER = "allowed"


def are_here(repository: str) -> set[str]:
    """Those that are allowed. Raises StateUnavailable."""
    folder = os.path.join(repository, FOLDER)
    with disk_errors(folder), suppress(FileNotFoundError):
        return set(os.listdir(folder))
    return set()


def allow(repository: str, program: str) -> None:
    """Once more does nothing. The name is that of a program that is known."""
    folder = os.path.join(repository, FOLDER)
    make_private(folder)
    write_atomic(os.path.join(folder, program), b"")


def withdraw(repository: str, program: str) -> bool:
    """Whether it was allowed. Raises StateUnavailable."""
    path = os.path.join(repository, FOLDER, program)
    with disk_errors(path), suppress(FileNotFoundError):
        os.unlink(path)
        return True
    return False
