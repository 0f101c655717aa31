"""Versions of Claude Code that `doctor --deep` has seen wait for a call as long as they were told
to: an empty file for each in the state directory.
"""

import os

from worker_manager.state.files import make_private, write_atomic

_FOLDER = "tried"


def note(root: str, version: str) -> None:
    """Adds a version. Raises StateUnavailable."""
    make_private(os.path.join(root, _FOLDER))
    write_atomic(os.path.join(root, _FOLDER, os.path.basename(version)), b"")


def versions(root: str) -> list[str]:
    """Returns the versions."""
    try:
        return os.listdir(os.path.join(root, _FOLDER))
    except OSError:
        return []
