"""Copies what git ignores, and a worker needs all the same, from the checkout: `.env` and the like.

Only what is ignored in both places is copied: then no `git add` can ever take it up. Tracked files
come from the commit, so they are never touched.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.git import ask, last_line, run

#: In a checkout: patterns in the syntax of .gitignore.
INCLUDE = ".worktreeinclude"
MAX_FILES = 20_000
MAX_BYTES = 2_000_000_000
NOT_IGNORED = "git does not ignore it in the worktree"


class Copied(NamedTuple):
    """The files that were copied, and why others were not."""

    files: list[str]
    skipped: list[str]


def copy(checkout: Path, worktree: Path, patterns: Sequence[str]) -> Copied:
    """Copies what the patterns, and those of the checkout's INCLUDE, name. Raises WorktreeRefused
    when that is too much, or can't be done.
    """
    wanted = _wanted(checkout, patterns)
    _require_bounded(checkout, wanted)
    at_home = [name for name in wanted if _is_in_place(worktree, name)]
    hidden = set(_ignored(worktree, at_home))
    files, skipped = [], []
    for name in wanted:
        reason = _copy_one(checkout, worktree, name) if name in hidden else NOT_IGNORED
        if reason:
            skipped.append(f"{name} ({reason})")
        else:
            files.append(name)
    return Copied(files, skipped)


def _wanted(checkout: Path, patterns: Sequence[str]) -> list[str]:
    """The ignored files of the checkout that the patterns match."""
    include = checkout / INCLUDE
    given = [f"--exclude={pattern}" for pattern in patterns]
    if include.is_file():
        given.insert(0, f"--exclude-from={include}")
    if not given:
        return []
    listed = run(str(checkout), "ls-files", "-z", "--others", "--ignored", *given)
    return list(_ignored(checkout, [name for name in listed.split("\0") if name]))


def _ignored(directory: Path, names: Sequence[str]) -> Iterator[str]:
    """Iterates over the names that git ignores in a directory and does not track. Raises
    WorktreeRefused.
    """
    asked = "".join(f"{name}\0" for name in names)
    if asked:
        said = ask(str(directory), "check-ignore", "-z", "--stdin", stdin=asked)
        if said.code not in (0, 1):  # 1: none of them
            raise WorktreeRefused(f"git check-ignore failed: {last_line(said.error)}")
        yield from filter(None, said.text.split("\0"))


def _is_in_place(worktree: Path, name: str) -> bool:
    """Whether no link of the worktree leads its place somewhere else."""
    folder = (worktree / name).parent
    return os.path.realpath(folder) == os.path.join(
        os.path.realpath(worktree), *Path(name).parent.parts
    )


def _require_bounded(checkout: Path, names: Sequence[str]) -> None:
    size = sum(map(_size, (checkout / name for name in names)))
    if len(names) <= MAX_FILES and size <= MAX_BYTES:
        return
    tops = [name.partition("/")[0] for name in names]
    largest = max(set(tops), key=tops.count)
    raise WorktreeRefused(
        f"{INCLUDE} and worktree.copy name {len(names):,} files with {size:,} bytes, most of them "
        f"in {largest!r}; at most {MAX_FILES:,} files with {MAX_BYTES:,} bytes are copied. Name "
        "less, and let the command worktree.setup install what can be installed."
    )


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _copy_one(checkout: Path, worktree: Path, name: str) -> str:
    """Why it was not copied; empty when it was."""
    source, target = checkout / name, worktree / name
    if os.path.lexists(target):
        return "already there"
    try:
        mode = source.lstat().st_mode
        target.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(mode):
            return _copy_link(checkout, source, target)
        if not stat.S_ISREG(mode):
            return "a repository of its own" if stat.S_ISDIR(mode) else "no regular file"
        _copy_file(source, target)
    except OSError as error:
        return str(error.strerror)
    return ""


def _copy_file(source: Path, target: Path) -> None:
    """Copies the whole file or nothing: half a file would be taken for the whole. Raises
    OSError.
    """
    try:
        shutil.copy2(source, target, follow_symlinks=False)
    except OSError:
        target.unlink(missing_ok=True)
        raise


def _copy_link(checkout: Path, source: Path, target: Path) -> str:
    """A link as a link, if it leads to the same place in the worktree."""
    leads_to = os.readlink(source)
    if os.path.isabs(leads_to) or not _is_below(source.parent / leads_to, checkout):
        return "a link that leads out of the checkout"
    os.symlink(leads_to, target)
    return ""


def _is_below(path: Path, directory: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(directory))
