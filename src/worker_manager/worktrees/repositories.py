"""Repositories within a worktree: nothing of those can be saved, so none with work in it may go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from worker_manager.worktrees import evidence
from worker_manager.worktrees.git import names, run
from worker_manager.worktrees.named import commits_among, ids_in


def unsaved(path: str) -> list[str]:
    """Returns repositories that must never be removed: submodules with work of their own, and new
    repositories that git lists. Raises WorktreeRefused when git does not say.
    """
    moved = [name for name, commit in submodules(path) if _has_work(path, name, commit)]
    return [*moved, *(change.name for change in evidence.changes(path) if change.is_repository)]


def ignored(path: str) -> list[str]:
    """Returns the paths of repositories that git does not list at all, sorted."""
    seen = ["", *(name for name, _ in submodules(path))]
    seen += [change.name for change in evidence.changes(path) if change.is_repository]
    known = {os.path.realpath(os.path.join(path, name)) for name in seen}
    return sorted(directory for directory in _all(path) if os.path.realpath(directory) not in known)


def submodules(path: str) -> Iterator[tuple[str, str]]:
    """Iterates over path and commit of each submodule in the index."""
    for entry in names(path, "ls-files", "--stage", "-z"):
        facts, _, name = entry.partition("\t")
        if facts.startswith("160000"):
            yield name, facts.split(" ")[1]


def _has_work(path: str, name: str, wanted: str) -> bool:
    """Whether a submodule is anything else than what its commit brings back. What its own remote
    has is there, too, in the checkout that it was filled from.
    """
    place = os.path.join(path, name)
    if not os.path.lexists(os.path.join(place, ".git")):
        return os.path.islink(place) or (os.path.isdir(place) and bool(os.listdir(place)))
    top, own = run(place, "rev-parse", "--show-toplevel", "--absolute-git-dir").split("\n")[:2]
    if top != os.path.realpath(place):
        return True
    if run(place, "rev-parse", "HEAD") != wanted or evidence.changes(place):
        return True
    named = commits_among(place, sorted(ids_in(own)))
    asked = "".join(f"{line}\n" for line in (*named, f"^{wanted}"))
    own_commits = ("rev-list", "--max-count=1", "--stdin", "--not", "--remotes")
    return bool(run(place, *own_commits, stdin=asked) or unsaved(place))


def _all(path: str) -> Iterator[str]:
    """Every directory in there that has a `.git`, but for what lies in one: the outermost ones."""
    folders = [path]
    for folder in folders:  # it grows: os.walk goes no deeper than Python's stack
        with suppress(OSError), os.scandir(folder) as entries:
            found = list(entries)
            if any(entry.name == ".git" for entry in found):
                yield folder
                if folder != path:
                    continue
            folders += [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
