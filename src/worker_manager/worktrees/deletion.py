"""Deletes a directory: only files that were inventoried before it was saved, none that came
since.
"""

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
    """Returns a stamp of each file below a directory, by path; links count as files."""
    return {
        entry.path: _stamp(entry)
        for entry in _below(path)
        if not entry.is_dir(follow_symlinks=False)
    }


def delete(path: str, seen: Inventory) -> list[str]:
    """Deletes the files that are still as in `seen`, and the directories that become empty. Returns
    the paths that are left. Keeps the `.git` pointer. Raises OSError.
    """
    pointer = os.path.join(path, _POINTER)
    left, directories = list[str](), [path]
    for directory in directories:  # it grows: what a program has nested may be deep
        os.chmod(directory, stat.S_IRWXU)  # caches of some tools are read-only
        with os.scandir(directory) as entries:
            found = list(entries)
        directories += [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
        files = [entry for entry in found if not entry.is_dir(follow_symlinks=False)]
        for file in files:
            if seen.get(file.path) == _stamp(file) and file.path != pointer:
                os.unlink(file.path)
            elif file.path != pointer:
                left.append(file.path)
    return left + _remove_empty(directories[1:], left)


def size(path: str) -> int:
    """Returns the bytes that a directory takes on the disk."""
    return sum(entry.stat(follow_symlinks=False).st_blocks * 512 for entry in _below(path))


def _remove_empty(directories: Sequence[str], left: Sequence[str]) -> list[str]:
    """Removes empty directories, innermost (last) first. Returns those that something new is in."""
    full, more = {os.path.dirname(path) for path in left}, []
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
    """Iterates over all entries below a directory that may be read; does not follow links."""
    directories = [path]
    for directory in directories:  # it grows
        with suppress(PermissionError), os.scandir(directory) as entries:
            for entry in entries:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry.path)


def _stamp(entry: os.DirEntry[str]) -> tuple[int, ...]:
    """Leaves ctime out: for a hard link it changes when another link is removed."""
    status = os.lstat(entry.path)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode
