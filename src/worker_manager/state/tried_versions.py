"""Of which versions of Claude Code `doctor --deep` has seen that they listen to a call for as long
as they are told: an empty file for each in the state directory.
"""

import os

from worker_manager.state.files import make_private, write_atomic

_FOLDER = "tried"


def note(root: str, version: str) -> None:
    """It does. Raises StateUnavailable."""
    make_private(os.path.join(root, _FOLDER))
    write_atomic(os.path.join(root, _FOLDER, os.path.basename(version)), b"")


def versions(root: str) -> list[str]:
    """Those that do."""
    try:
        return os.listdir(os.path.join(root, _FOLDER))
    except OSError:
        return []
