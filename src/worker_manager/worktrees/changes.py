"""Which files differ: in a worker's worktree from its base, in a checkout from before."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from worker_manager.errors import NotARepository, WorktreeRefused
from worker_manager.worktrees import baseline, evidence, own
from worker_manager.worktrees.evidence import Change
from worker_manager.worktrees.git import names, run
from worker_manager.worktrees.indexes import unmasked
from worker_manager.worktrees.own import Worktree

#: What differs from the last commit of a checkout, and a fingerprint of each file's content.
Look = Mapping[str, str]
#: For each file the lines added and removed; nothing that runs programs.
_COUNTED = ("--numstat", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none", "-z")


class Changes(NamedTuple):
    """Paths: committed since the base; changed, and new, without a commit."""

    committed: tuple[str, ...]
    modified: tuple[str, ...]
    untracked: tuple[str, ...]


class Work(NamedTuple):
    """What a worker's directory holds beyond its base."""

    head: str
    commits: int
    diffstat: str
    uncommitted: int


class Progress(NamedTuple):
    """Commits since the base; files that differ from it, committed or not; lines that were added
    and removed in those that git knows.
    """

    commits: int
    files: int
    added: int
    removed: int


def uncommitted(worktree: Worktree) -> list[Change]:
    """The files that no commit holds as they are, and that were not so when the worktree was made.
    Those, too, at which git was told not to look. Raises WorktreeRefused or NotARepository.
    """
    with unmasked(worktree.path) as environment:
        found = evidence.changes(worktree.path, environment)
    return baseline.of_worker(worktree.admin, worktree.path, found) if found else []


def since(worktree: Worktree, base_sha: str) -> Changes:
    """What was changed in a worktree; without a base, what no commit holds. Raises WorktreeRefused
    or NotARepository.
    """
    committed = _diff(worktree.path, f"{base_sha}...HEAD") if base_sha else ()
    states = uncommitted(worktree)
    untracked = tuple(one.name for one in states if one.letters == "??")
    modified = tuple(one.name for one in states if one.letters != "??")
    return Changes(committed, modified, untracked)


def describe(worktree: Worktree, base_sha: str) -> Work:
    """What lies in a worker's worktree now. Raises WorktreeRefused."""
    path = worktree.path
    head, left = run(path, "rev-parse", "HEAD"), len(uncommitted(worktree))
    if not base_sha:
        return Work(head, 0, "", left)
    commits = int(run(path, "rev-list", "--count", f"{base_sha}..HEAD"))
    diffstat = run(path, "diff", "--stat", "--no-ext-diff", f"{base_sha}..HEAD")
    return Work(head, commits, diffstat, left)


def progress(path: str, branch: str, base_sha: str) -> Progress | None:
    """How far a worker's worktree has come from its base; None when that is not known."""
    try:
        worktree = own.look(path, branch)
        commits = int(run(path, "rev-list", "--count", f"{base_sha}..HEAD"))
        with unmasked(path) as environment:
            counted = _counts(names(path, "diff", *_COUNTED, base_sha, environment=environment))
        new = names(path, "ls-files", "-z", "--others", "--exclude-standard")
        noted = baseline.read(worktree.admin)
        mine = {one.name for one in uncommitted(worktree)} if noted else set()
    except (NotARepository, WorktreeRefused):
        return None
    differing = {name: lines for name, lines in counted.items() if _is_own(name, noted, mine)}
    added, removed = (sum(column) for column in zip((0, 0), *differing.values(), strict=True))
    files = len(differing) + sum(_is_own(name, noted, mine) for name in new)
    return Progress(commits, files, added, removed)


def look(checkout: str, seen: Sequence[Change] | None = None) -> dict[str, str]:
    """How a checkout stands now, for `differing`; `seen` are its changes where git was asked just
    now. Raises WorktreeRefused or NotARepository.
    """
    found = evidence.changes(checkout) if seen is None else seen
    return {
        one.name: f"{one.letters} {_fingerprint(os.path.join(checkout, one.name))}" for one in found
    }


def differing(before: Look, after: Look) -> list[str]:
    """The files that were changed between two looks."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _is_own(name: str, noted: Mapping[str, object], mine: set[str]) -> bool:
    """Whether a worker changed it: what was noted when its worktree was made is its own only once
    it differs from then.
    """
    return name not in noted or name in mine


def _counts(listed: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Lines added and removed in each file; a file that is no text has none."""
    entries = iter(listed)
    found = {}
    for entry in entries:
        added, removed, name = entry.split("\t", 2)
        if not name:  # renamed: its names follow
            _, name = next(entries), next(entries)
        found[name] = (int(added.strip("-") or 0), int(removed.strip("-") or 0))
    return found


def _diff(path: str, commits: str) -> tuple[str, ...]:
    return tuple(names(path, "diff", "--name-only", "--no-renames", "-z", commits))


def _fingerprint(path: str) -> str:
    try:
        status = os.lstat(path)
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size} {status.st_mode}"
