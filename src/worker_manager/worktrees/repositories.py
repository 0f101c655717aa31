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
    return [*moved, *(one.name for one in evidence.changes(path) if one.is_repository)]


def ignored(path: str) -> list[str]:
    """Returns the paths of repositories that git does not list at all, sorted."""
    seen = ["", *(name for name, _ in submodules(path))]
    seen += [one.name for one in evidence.changes(path) if one.is_repository]
    known = {os.path.realpath(os.path.join(path, one)) for one in seen}
    return sorted(one for one in _all(path) if os.path.realpath(one) not in known)


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
    asked = "".join(f"{one}\n" for one in (*named, f"^{wanted}"))
    own_commits = ("rev-list", "--max-count=1", "--stdin", "--not", "--remotes")
    return bool(run(place, *own_commits, stdin=asked) or unsaved(place))


def _all(path: str) -> Iterator[str]:
    """Every directory in there that has a `.git`, but for what lies in one: the outermost ones."""
    folders = [path]
    for folder in folders:  # it grows: os.walk goes no deeper than Python's stack
        with suppress(OSError), os.scandir(folder) as entries:
            found = list(entries)
            if any(one.name == ".git" for one in found):
                yield folder
                if folder != path:
                    continue
            folders += [one.path for one in found if one.is_dir(follow_symlinks=False)]
