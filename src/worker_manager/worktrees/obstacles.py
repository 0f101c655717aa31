"""What of a person's own lies in a checkout where another commit's files are to go."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from worker_manager.worktrees import evidence
from worker_manager.worktrees.git import attempt, names


class Obstacle(NamedTuple):
    """A file by its name; `flag` is that by which git was told not to look at it, or empty."""

    name: str
    flag: str = ""


def find(checkout: str, before: str, after: str) -> list[Obstacle]:
    """Files with changes of their own that moving from one commit to another would touch; those
    that git does not look at, and those that it ignores and would overwrite, too.
    """
    moved = _moved(checkout, before, after)
    if not moved:
        return []
    found = [Obstacle(change.name) for change in evidence.changes(checkout) if change.name in moved]
    known = _known(checkout)
    found += (
        Obstacle(name, flag)
        for name, flag in known.items()
        if flag and name in moved and _differs(checkout, name)
    )
    fold = _folding(checkout)
    tracked = {fold(name) for name in known}
    for name in (path for path, letter in moved.items() if letter == "A"):
        found += map(Obstacle, _strangers(checkout, name, tracked, fold))
    return list({obstacle.name: obstacle for obstacle in found}.values())


def _moved(checkout: str, before: str, after: str) -> dict[str, str]:
    """What differs, each with git's letter: A, D, M or T."""
    entries = iter(
        names(checkout, "diff-tree", "-r", "-z", "--no-renames", "--name-status", before, after)
    )
    return {name: letter for letter, name in zip(entries, entries, strict=True)}


def _known(checkout: str) -> dict[str, str]:
    """The names in the index, each with the flag that hides it from git."""
    entries = (entry.split(" ", 1) for entry in names(checkout, "ls-files", "-v", "-z"))
    return {name: _flag(letter) for letter, name in entries}


def _flag(letter: str) -> str:
    if letter.upper() == "S":
        return "skip-worktree"
    return "assume-unchanged" if letter.islower() else ""


def _differs(checkout: str, name: str) -> bool:
    """Whether there is such a file, and it is another one than in the index."""
    if not os.path.lexists(os.path.join(checkout, name)):
        return False
    own = attempt(checkout, "hash-object", f"--path={name}", "--", name)
    return own != attempt(checkout, "rev-parse", "--verify", "--quiet", f":0:{name}")


def _folding(checkout: str) -> Callable[[str], str]:
    """Where `README` and `readme` are one file, they are one name."""
    ignored = attempt(checkout, "config", "--type=bool", "core.ignorecase") == "true"
    return str.casefold if ignored else str


def _strangers(
    checkout: str, name: str, tracked: Collection[str], fold: Callable[[str], str]
) -> Iterator[str]:
    """What lies in the place of a new file, or in that of a directory above it, and is not git's:
    one of that.
    """
    for folder in list(PurePosixPath(name).parents)[-2::-1]:
        place = os.path.join(checkout, folder)
        if os.path.islink(place) or (os.path.lexists(place) and not os.path.isdir(place)):
            if fold(str(folder)) not in tracked:
                yield str(folder)
            return
    place = os.path.join(checkout, name)
    inside = _below(place) if os.path.isdir(place) and not os.path.islink(place) else [place]
    there = (os.path.relpath(inner, checkout) for inner in inside if os.path.lexists(inner))
    found = next((inner for inner in there if fold(inner) not in tracked), None)
    if found is not None:
        yield found


def _below(place: str) -> Iterator[str]:
    for folder, folders, files in os.walk(place):
        links = [entry for entry in folders if os.path.islink(os.path.join(folder, entry))]
        yield from (os.path.join(folder, entry) for entry in (*links, *files))
