"""Excludes the worktrees from the repository's status, without touching its files."""

from __future__ import annotations

import os
from pathlib import Path

from worker_manager.errors import WorktreeRefused


def exclude(common: str, directory: str) -> None:
    """Adds a directory of the checkout to `info/exclude`, unless it is there. Reads and writes
    bytes, as git does: the file may have any encoding and line ends. Raises WorktreeRefused.
    """
    file = Path(common) / "info" / "exclude"
    line = b"/" + _escaped(os.fsencode(directory)) + b"/"
    try:
        content = file.read_bytes() if file.exists() else b""
        if line in (known.rstrip(b"\r") for known in content.split(b"\n")):
            return
        file.parent.mkdir(exist_ok=True)
        with file.open("ab") as opened:
            opened.write((b"\n" if content and not content.endswith(b"\n") else b"") + line + b"\n")
    except OSError as error:
        raise WorktreeRefused(
            f"{file} can't be written to ({error.strerror}): it would keep worktrees out of git "
            f"status. Make it writable, or add the line {os.fsdecode(line)} yourself."
        ) from error


def is_writable(common: str) -> bool:
    """Returns True if `info/exclude` can be written or created."""
    place = os.path.join(common, "info", "exclude")
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    return os.access(place, os.W_OK)


def _escaped(name: bytes) -> bytes:
    """Escapes a name so that the pattern matches this name only."""
    return b"".join(b"\\" + bytes([byte]) if byte in b"*?[]\\" else bytes([byte]) for byte in name)
