"""Files that changed: in a worker's worktree since its base, in a checkout between two looks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from worker_manager.errors import NotARepository, WorktreeRefused
from worker_manager.worktrees import baseline, evidence, own
from worker_manager.worktrees.evidence import Change
from worker_manager.worktrees.git import GitResult, begin_all, names, run
from worker_manager.worktrees.indexes import LISTED, masked_among, unmasked
from worker_manager.worktrees.own import Worktree

#: What differs from the last commit of a checkout, and a fingerprint of each file's content.
Look = Mapping[str, str]
#: For each file the lines added and removed; nothing that runs programs.
_COUNTED = ("--numstat", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none", "-z")


class Changes(NamedTuple):
    """Paths of files: committed since the base, modified without a commit, untracked."""

    committed: tuple[str, ...]
    modified: tuple[str, ...]
    untracked: tuple[str, ...]


class Work(NamedTuple):
    """A worker's work beyond its base: the commit of HEAD, the number of commits, their diffstat,
    the number of uncommitted files.
    """

    head: str
    commits: int
    diffstat: str
    uncommitted: int


class Progress(NamedTuple):
    """Numbers since the base: commits; files that differ, committed or not; lines added and removed
    in tracked files.
    """

    commits: int
    files: int
    added: int
    removed: int


NOTHING_DONE = Progress(0, 0, 0, 0)


def uncommitted(worktree: Worktree) -> list[Change]:
    """Returns the worker's uncommitted changes: untracked files and files that git was told to
    assume unchanged included, baseline changes left out. Raises WorktreeRefused or NotARepository.
    """
    with unmasked(worktree.path) as environment:
        found = evidence.changes(worktree.path, environment)
    return baseline.of_worker(worktree.admin, worktree.path, found) if found else []


def since(worktree: Worktree, base_sha: str) -> Changes:
    """Returns the files that changed since the base; without a base only uncommitted ones. Raises
    WorktreeRefused or NotARepository.
    """
    committed = _diff(worktree.path, f"{base_sha}...HEAD") if base_sha else ()
    states = uncommitted(worktree)
    untracked = tuple(change.name for change in states if change.letters == "??")
    modified = tuple(change.name for change in states if change.letters != "??")
    return Changes(committed, modified, untracked)


def describe(worktree: Worktree, base_sha: str) -> Work:
    """Returns HEAD and what was done since the base; zero commits without one. Raises
    WorktreeRefused.
    """
    path = worktree.path
    head, left = run(path, "rev-parse", "HEAD"), len(uncommitted(worktree))
    if not base_sha:
        return Work(head, 0, "", left)
    commits = int(run(path, "rev-list", "--count", f"{base_sha}..HEAD"))
    diffstat = run(path, "diff", "--stat", "--no-ext-diff", f"{base_sha}..HEAD")
    return Work(head, commits, diffstat, left)


def progress(path: str, branch: str, base_sha: str) -> Progress | None:
    """Returns a worker's progress since its base; None when git can't say."""
    return begin_progress(path, branch, base_sha)()


def begin_progress(path: str, branch: str, base_sha: str) -> Callable[[], Progress | None]:
    """Starts three git processes at once; gives what waits for their answer, and must be called."""
    worktree = own.seen(path, branch)
    if worktree is None:
        return lambda: None
    commands = (
        ("rev-list", "--count", f"{base_sha}..HEAD"),
        ("diff", *_COUNTED, base_sha),
        (*LISTED, "--cached", "--others", "--exclude-standard"),
    )
    try:
        heard = begin_all(path, *((*worktree.place, *command) for command in commands))
    except NotARepository:
        return lambda: None
    return lambda: _progress(worktree, base_sha, heard)


def _progress(
    worktree: Worktree, base_sha: str, heard: Callable[[], list[GitResult]]
) -> Progress | None:
    try:
        said = heard()
        if any(one.code for one in said):
            return None
        commits, counted, listed = (one.text for one in said)
        entries = listed.split("\0")[:-1]
        lines = _counts(counted.split("\0")[:-1])
        if masked_among(worktree.path, entries):
            lines = _unmasked_counts(worktree.path, base_sha)
        noted = baseline.read(worktree.admin)
        mine = {change.name for change in uncommitted(worktree)} if noted else set()
    except (NotARepository, WorktreeRefused):
        return None
    new = [entry[2:] for entry in entries if entry[0] == "?"]
    differing = {name: number for name, number in lines.items() if _is_own(name, noted, mine)}
    added, removed = (sum(column) for column in zip((0, 0), *differing.values(), strict=True))
    files = len(differing) + sum(_is_own(name, noted, mine) for name in new)
    return Progress(int(commits), files, added, removed)


def _unmasked_counts(path: str, base_sha: str) -> dict[str, tuple[int, int]]:
    with unmasked(path) as environment:
        return _counts(names(path, "diff", *_COUNTED, base_sha, environment=environment))


def look(checkout: str, seen: Sequence[Change] | None = None) -> dict[str, str]:
    """Returns a fingerprint of each changed file of a checkout, by name, for `differing`. `seen`:
    its changes, when the caller has just asked git. Raises WorktreeRefused or NotARepository.
    """
    found = evidence.changes(checkout) if seen is None else seen
    return {
        change.name: f"{change.letters} {_fingerprint(os.path.join(checkout, change.name))}"
        for change in found
    }


def differing(before: Look, after: Look) -> list[str]:
    """Returns the names of the files that changed between two looks, sorted."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _is_own(name: str, noted: Mapping[str, object], mine: set[str]) -> bool:
    """Returns True if the worker changed the file: it was not noted in the baseline, or differs
    from it.
    """
    return name not in noted or name in mine


def _counts(listed: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Returns lines added and removed by file name; (0, 0) for a binary file."""
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
