"""Deleting a directory: what was seen there before it was saved, and nothing that came since."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

#: What tells a file from what was there before, and its content from an earlier one.
Inventory = Mapping[str, tuple[int, ...]]
#: By it git finds its own directory of the worktree: it goes last.
_POINTER = ".git"


def inventory(path: str) -> Inventory:
    """All files in there; links are files."""
    return {one.path: _stamp(one) for one in _below(path) if not one.is_dir(follow_symlinks=False)}


def delete(path: str, seen: Inventory) -> list[str]:
    """Deletes what is as it was seen, and each directory that is empty then; gives what is left.
    The pointer to git's own directory stays. Raises OSError.
    """
    pointer = os.path.join(path, _POINTER)
    left, directories = list[str](), [path]
    for directory in directories:  # it grows: what a program has nested may be deep
        os.chmod(directory, stat.S_IRWXU)  # caches of some tools are read-only
        with os.scandir(directory) as entries:
            found = list(entries)
        directories += [one.path for one in found if one.is_dir(follow_symlinks=False)]
        files = [one for one in found if not one.is_dir(follow_symlinks=False)]
        for file in files:
            if seen.get(file.path) == _stamp(file) and file.path != pointer:
                os.unlink(file.path)
            elif file.path != pointer:
                left.append(file.path)
    return left + _remove_empty(directories[1:], left)


def size(path: str) -> int:
    """The bytes that a directory takes on the disk."""
    return sum(one.stat(follow_symlinks=False).st_blocks * 512 for one in _below(path))


def _remove_empty(directories: Sequence[str], left: Sequence[str]) -> list[str]:
    """The inner ones stand last. Gives those that something has come into since."""
    full, more = {os.path.dirname(one) for one in left}, []
    for directory in reversed(directories):
        if directory not in full:
            try:
                os.rmdir(directory)
                continue
            except OSError:
                more.append(directory)
        full.add(os.path.dirname(directory))
    return more


def _below(path: str) -> Iterator[os.DirEntry[str]]:
    """All that lies in a directory, as far as it may be read; links are not followed."""
    directories = [path]
    for directory in directories:  # it grows
        with suppress(PermissionError), os.scandir(directory) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.path)


def _stamp(entry: os.DirEntry[str]) -> tuple[int, ...]:
    """Not with the time of its last change: that of a hard link changes when another one goes."""
    status = os.lstat(entry.path)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode
