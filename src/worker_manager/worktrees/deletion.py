"""Deleting a directory: what was seen there before it was saved, and nothing that came since."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping

#: What tells a file from what was there before, and its content from an earlier one.
Seen = Mapping[str, tuple[int, ...]]
#: By it git finds its own directory of the worktree: it goes last.
_POINTER = ".git"


def inventory(path: str) -> Seen:
    """All files in there; links are files."""
    return {one.path: _stamp(one) for one in _below(path) if not one.is_dir(follow_symlinks=False)}


def delete(path: str, seen: Seen) -> list[str]:
    """Deletes what is as it was seen, and each directory that is empty then; gives what is left.
    The pointer to git's own directory stays. Raises OSError.
    """
    return _delete_in(path, seen, os.path.join(path, _POINTER))


def size(path: str) -> int:
    """The bytes that a directory takes on the disk."""
    return sum(one.stat(follow_symlinks=False).st_blocks * 512 for one in _below(path))


def _delete_in(directory: str, seen: Seen, pointer: str) -> list[str]:
    os.chmod(directory, stat.S_IRWXU)  # caches of some tools are read-only
    left = []
    with os.scandir(directory) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                inside = _delete_in(entry.path, seen, pointer)
                left += inside
                if not inside:
                    _remove_empty(entry.path, left)
            elif entry.path == pointer:
                continue
            elif seen.get(entry.path) == _stamp(entry):
                os.unlink(entry.path)
            else:
                left.append(entry.path)
    return left


def _remove_empty(directory: str, left: list[str]) -> None:
    try:
        os.rmdir(directory)
    except OSError:  # something has come into it since
        left.append(directory)


def _below(path: str) -> Iterator[os.DirEntry[str]]:
    """All that lies in a directory, as far as it may be read; links are not followed."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    yield from _below(entry.path)
    except PermissionError:
        return


def _stamp(entry: os.DirEntry[str]) -> tuple[int, ...]:
    """Not with the time of its last change: that of a hard link changes when another one goes."""
    status = os.lstat(entry.path)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode
